// Command @NAME@ adds "seen": true to an event that is an object, and the header X-Seen-By.
package main

import (
	"encoding/json"
	"log"
	"os"
)

func main() {
	var event struct {
		Payload any `json:"payload"`
	}
	in := json.NewDecoder(os.Stdin)
	in.UseNumber() // numbers pass as they are
	if err := in.Decode(&event); err != nil {
		log.Fatal(err) // goes to the log of Fiso, and its caller gets an error
	}
	if object, ok := event.Payload.(map[string]any); ok {
		object["seen"] = true
	}
	err := json.NewEncoder(os.Stdout).Encode(map[string]any{
		"payload": event.Payload,
		"headers": map[string]string{"X-Seen-By": "@NAME@"},
	})
	if err != nil {
		log.Fatal(err)
	}
}
