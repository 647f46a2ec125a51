// Command passthrough_go returns payload and headers as they came, through encoding/json: the Go guest of the benchmarks.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"fiso/guests/envelope"
)

func run() error {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	request, err := envelope.Parse(input)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(envelope.Response{Payload: request.Payload, Headers: request.Headers})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "passthrough_go:", err)
		os.Exit(1)
	}
}
