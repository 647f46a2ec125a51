// Command processor_go lives on and answers a line per request line: /process counts, /health, /metrics and / tell. It leaves with 1 for
// what is no request. The app of the original's wasmer-aio scenario, which there began anew with every request.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"fiso/guests/request"
)

func plain(contentType, text string) request.Response {
	return request.Response{Status: 200, Headers: map[string]string{"Content-Type": contentType}, BodyText: text}
}

func answer(asked request.Request, processed *int) request.Response {
	name := os.Getenv("APP_NAME")
	switch asked.Path {
	case "/process":
		*processed++
		return request.Answer(200, map[string]any{"processor": name, "request_id": fmt.Sprintf("req-%d", *processed), "count": *processed,
			"timestamp": time.Now().UTC().Format(time.RFC3339), "health": "ok", "app_version": "2.0.0-aio"})
	case "/health":
		return request.Answer(200, map[string]any{"status": "healthy", "processed": *processed})
	case "/metrics":
		return plain("text/plain; version=0.0.4", fmt.Sprintf("processor_requests_total %d\n", *processed))
	case "/":
		return plain("text/plain", name+" is running\n")
	}
	return request.NotFound(asked.Path)
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	processed := 0
	for lines.Scan() {
		asked, err := request.Parse(lines.Bytes())
		if err != nil {
			return err
		}
		response := answer(asked, &processed)
		response.ID = asked.ID
		if err := json.NewEncoder(os.Stdout).Encode(response); err != nil {
			return err
		}
	}
	return lines.Err()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "processor_go:", err)
		os.Exit(1)
	}
}
