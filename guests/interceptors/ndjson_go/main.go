// Command ndjson_go does what ndjson does, in Go: an envelope per line, a line of answer each, until the input ends.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"fiso/guests/envelope"
)

func serve(line []byte, served int) error {
	request, err := envelope.Parse(line)
	if err != nil {
		return err
	}
	payload, err := envelope.WithMember(request.Payload, "served", served)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(envelope.Response{Payload: payload, Headers: request.Headers})
}

func run() error {
	input := bufio.NewReader(os.Stdin)
	for served := 1; ; {
		line, err := input.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if err := serve(line, served); err != nil {
				return err
			}
			served++
		}
		if err != nil {
			return nil
		}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ndjson_go:", err)
		os.Exit(1)
	}
}
