// Command enrich_go does what enrich does, in Go.
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
	response, err := envelope.Enrich(request)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(response)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "enrich_go:", err)
		os.Exit(1)
	}
}
