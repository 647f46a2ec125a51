// Command enrich_stdin_file_go does what enrich does, and takes its input only from the file named by --stdin-file.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"fiso/guests/envelope"
)

func run(path string) error {
	if path == "" {
		return errors.New("the flag --stdin-file PATH is required")
	}
	input, err := os.ReadFile(path)
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
	path := flag.String("stdin-file", "", "the file that holds the envelope")
	flag.Parse()
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, "enrich_stdin_file_go:", err)
		os.Exit(2)
	}
}
