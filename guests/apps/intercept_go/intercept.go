// Command intercept_go marks a payload as intercepted, and by which mode, and says so in headers. It answers one envelope, from the file
// that --stdin-file names, else from stdin, and leaves with 1 for what is no envelope. The app of the original's wasmer-link scenario,
// which there was started and never asked.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"fiso/guests/envelope"
	"fiso/guests/request"
)

func intercept(asked envelope.Request) (envelope.Response, error) {
	payload := asked.Payload
	for _, member := range []struct {
		name  string
		value any
	}{{"intercepted", true}, {"intercept_mode", os.Getenv("INTERCEPT_MODE")}, {"direction", asked.Direction}} {
		var err error
		if payload, err = envelope.WithMember(payload, member.name, member.value); err != nil {
			return envelope.Response{}, err
		}
	}
	headers := map[string]string{"X-Intercepted-By": "wasmer-link", "X-Intercept-Direction": asked.Direction}
	return envelope.Response{Payload: payload, Headers: headers}, nil
}

func run() error {
	input, err := request.Input()
	if err != nil {
		return err
	}
	asked, err := envelope.Parse(input)
	if err != nil {
		return err
	}
	response, err := intercept(asked)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(response)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "intercept_go:", err)
		os.Exit(1)
	}
}
