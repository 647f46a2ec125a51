// Command server_go answers one request and leaves: /hello, /echo, /health, 404 for the rest. It reads the file that --stdin-file names,
// else stdin, and leaves with 1 for what is no request. The app of the original's wasmer-standalone scenario.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"fiso/guests/request"
)

func answer(asked request.Request) request.Response {
	server := os.Getenv("SERVER_NAME")
	switch asked.Path {
	case "/hello":
		return request.Answer(200, map[string]any{"greeting": "Hello from WebAssembly", "server": server, "version": "2.0.0"})
	case "/echo":
		return request.Answer(200, map[string]any{"received": asked.Body, "echoed": true, "server": server})
	case "/health":
		return request.Answer(200, map[string]any{"status": "healthy", "uptime": "ok"})
	}
	return request.NotFound(asked.Path)
}

func run() error {
	input, err := request.Input()
	if err != nil {
		return err
	}
	asked, err := request.Parse(input)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer(asked))
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "server_go:", err)
		os.Exit(1)
	}
}
