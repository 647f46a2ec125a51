// Command transform_go adds to a payload by what runs it, when, and what it is worth, and tells so in headers. It reads the file that
// --stdin-file names, else stdin, and leaves with 1 for what is no envelope. The interceptor of the original's flow-wasmer scenario.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"fiso/guests/envelope"
	"fiso/guests/request"
)

func category(amount float64) string {
	switch {
	case amount >= 500:
		return "high"
	case amount >= 100:
		return "medium"
	}
	return "low"
}

func transform(asked envelope.Request) (envelope.Response, error) {
	payload := map[string]any{}
	if json.Unmarshal(asked.Payload, &payload) != nil || payload == nil {
		payload = map[string]any{"raw": asked.Payload}
	}
	payload["wasmer_enriched"] = true
	payload["runtime"] = "wasmer"
	payload["processed_at"] = time.Now().UTC().Format(time.RFC3339)
	if amount, ok := payload["amount"].(float64); ok {
		payload["value_category"] = category(amount)
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return envelope.Response{}, err
	}
	headers := map[string]string{"X-Wasmer-Processed": "true", "X-Processing-Runtime": "wasmer", "X-Request-Direction": asked.Direction}
	for name, value := range asked.Headers {
		headers[name] = value
	}
	return envelope.Response{Payload: text, Headers: headers}, nil
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
	response, err := transform(asked)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(response)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "transform_go:", err)
		os.Exit(1)
	}
}
