// Command transform adds "total", price times quantity, to an order.
package main

import (
	"encoding/json"
	"log"
	"os"
)

func main() {
	var event struct {
		Payload map[string]any `json:"payload"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&event); err != nil {
		log.Fatal(err) // goes to the log of Fiso, and its caller gets an error
	}
	price, _ := event.Payload["price"].(float64)
	quantity, _ := event.Payload["quantity"].(float64)
	event.Payload["total"] = price * quantity
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"payload": event.Payload,
		"headers": map[string]string{"X-Transformed-By": "Go"},
	})
}
