// Command counter counts the requests that it has answered. A net/http server as any other, but for the listener: WASI preview 1 cannot
// open one, so Fiso gives it as descriptor 3.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
)

func main() {
	// Without this an accept would hold up all goroutines.
	if err := syscall.SetNonblock(3, true); err != nil {
		log.Fatal(err)
	}
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		log.Fatal(err)
	}
	var count atomic.Int64
	http.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(answer, "{\"count\":%d,\"by\":\"Go\"}\n", count.Add(1))
	})
	server := &http.Server{}
	_ = server.Serve(listener) // returns when Fiso asks the guest to end
	_ = server.Shutdown(context.Background())
}
