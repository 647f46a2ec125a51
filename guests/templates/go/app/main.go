// Command @NAME@ answers /hello, and /echo with what came in.
package main

import (
	"encoding/json"
	"log"
	"os"
)

// request is what Fiso hands over of one; there is more: query, headers, host, scheme, remoteAddr.
type request struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body"`
}

type response struct {
	Status int `json:"status"`
	Body   any `json:"body"`
}

func answer(r request) response {
	switch r.Path {
	case "/hello":
		return response{200, map[string]string{"greeting": "hello"}}
	case "/echo":
		return response{200, map[string]any{"received": r.Body}}
	}
	return response{404, map[string]string{"error": "no such page"}}
}

func main() {
	var r request
	if err := json.NewDecoder(os.Stdin).Decode(&r); err != nil {
		log.Fatal(err) // goes to the log of Fiso, and its caller gets an error
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer(r)); err != nil {
		log.Fatal(err)
	}
}
