// Package request is what apps written in Go read and answer, a JSON document per request.
package request

import (
	"encoding/json"
	"errors"
	"io"
	"os"
)

// Request is one request as the host hands it over. ID is there only if the guest lives on.
type Request struct {
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	Query   string          `json:"query"`
	Headers map[string]any  `json:"headers"`
	Body    json.RawMessage `json:"body"`
}

// Response is the guest's answer to it.
type Response struct {
	ID       json.RawMessage   `json:"id,omitempty"`
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers,omitempty"`
	Body     any               `json:"body,omitempty"`
	BodyText string            `json:"bodyText,omitempty"`
}

// Input is all of the file that the argument after --stdin-file names; without it, of stdin.
func Input() ([]byte, error) {
	for i := 1; i+1 < len(os.Args); i++ {
		if os.Args[i] == "--stdin-file" {
			return os.ReadFile(os.Args[i+1])
		}
	}
	return io.ReadAll(os.Stdin)
}

// Parse reads one request.
func Parse(data []byte) (Request, error) {
	var request Request
	if err := json.Unmarshal(data, &request); err != nil {
		return Request{}, err
	}
	if request.Path == "" {
		return Request{}, errors.New("the request has no path")
	}
	return request, nil
}

// Answer is a response with a JSON body.
func Answer(status int, body any) Response {
	return Response{Status: status, Headers: map[string]string{"Content-Type": "application/json"}, Body: body}
}

// NotFound is the answer to a request for a path that there is not.
func NotFound(path string) Response {
	return Answer(404, map[string]any{"error": "not found", "path": path})
}
