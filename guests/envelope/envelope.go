// Package envelope is what interceptors written in Go read and answer.
//
// Payloads and headers that a guest does not look into stay raw, so numbers and the order of members survive.
package envelope

import (
	"encoding/json"
	"errors"
)

// Request is one event as the host hands it over.
type Request struct {
	Payload   json.RawMessage   `json:"payload"`
	Headers   map[string]string `json:"headers"`
	Direction string            `json:"direction"`
}

// Response is the guest's answer to it.
type Response struct {
	Payload json.RawMessage   `json:"payload"`
	Headers map[string]string `json:"headers"`
}

// Parse reads one request.
func Parse(data []byte) (Request, error) {
	var request Request
	if err := json.Unmarshal(data, &request); err != nil {
		return Request{}, err
	}
	if request.Payload == nil {
		return Request{}, errors.New("the envelope has no payload")
	}
	return request, nil
}

// WithMember adds a member to a payload that is an object; any other payload is returned as it is.
func WithMember(payload json.RawMessage, name string, value any) (json.RawMessage, error) {
	if len(payload) == 0 || payload[0] != '{' {
		return payload, nil
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	members[name] = text
	return json.Marshal(members)
}

// Enrich answers a request with `"wasm_enriched": true` in its payload and the header X-Wasm-Enriched.
func Enrich(request Request) (Response, error) {
	payload, err := WithMember(request.Payload, "wasm_enriched", true)
	if err != nil {
		return Response{}, err
	}
	headers := map[string]string{"X-Wasm-Enriched": "true"}
	for name, value := range request.Headers {
		headers[name] = value
	}
	return Response{Payload: payload, Headers: headers}, nil
}
