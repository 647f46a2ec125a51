// Command route_go marks a payload, totals the items of an order, and routes a notification. It reads the file that --stdin-file names,
// else stdin, and leaves with 1 for what is no envelope. The interceptor of the original's wasmer-aio scenario.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"fiso/guests/envelope"
	"fiso/guests/request"
)

func number(value any) float64 {
	found, _ := value.(float64)
	return found
}

// The items' quantities, each times its price.
func total(items any) float64 {
	sum := 0.0
	list, _ := items.([]any)
	for _, each := range list {
		item, _ := each.(map[string]any)
		sum += number(item["qty"]) * number(item["price"])
	}
	return sum
}

func transform(asked envelope.Request) (envelope.Response, error) {
	payload := map[string]any{}
	if json.Unmarshal(asked.Payload, &payload) != nil || payload == nil {
		payload = map[string]any{"raw": asked.Payload}
	}
	payload["aio_transformed"] = true
	payload["aio_timestamp"] = time.Now().UTC().Format(time.RFC3339)
	payload["aio_runtime"] = "wasmer"
	if _, isOrder := payload["order_id"]; isOrder {
		payload["aio_type"] = "order"
		payload["aio_calculated_total"] = total(payload["items"])
	} else if _, isNotification := payload["type"]; isNotification {
		payload["aio_type"] = "notification"
		payload["aio_routed"] = true
	}
	text, err := json.Marshal(payload)
	return envelope.Response{Payload: text, Headers: asked.Headers}, err
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
		fmt.Fprintln(os.Stderr, "route_go:", err)
		os.Exit(1)
	}
}
