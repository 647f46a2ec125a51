// Command http_go is a net/http server on the listener that it was given, descriptor 3, and counts its requests: {"count":1},
// {"count":2}, … /health is not counted, /echo answers the body, /env/NAME a variable, /meet/N answers when N such requests
// are there, /slow/MS answers late, /exit/N leaves with N, /loop computes for ever.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const listenerFD = 3

var (
	mutex   sync.Mutex
	counted int
	waiting []chan struct{}
)

func count() int {
	mutex.Lock()
	defer mutex.Unlock()
	counted++
	return counted
}

// meet returns when `size` goroutines have called it.
func meet(size int) {
	met := make(chan struct{})
	mutex.Lock()
	waiting = append(waiting, met)
	if len(waiting) >= size {
		for _, other := range waiting {
			close(other)
		}
		waiting = nil
	}
	mutex.Unlock()
	<-met
}

func argument(request *http.Request) int {
	number, _ := strconv.Atoi(request.URL.Path[strings.LastIndex(request.URL.Path, "/")+1:])
	return number
}

func routes() http.Handler {
	mux := http.NewServeMux()
	answerCount := func(answer http.ResponseWriter) { fmt.Fprintf(answer, "{\"count\":%d}\n", count()) }
	mux.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { answerCount(answer) })
	mux.HandleFunc("/health", func(answer http.ResponseWriter, _ *http.Request) { io.WriteString(answer, "healthy\n") })
	mux.HandleFunc("/echo", func(answer http.ResponseWriter, request *http.Request) { io.Copy(answer, request.Body) })
	mux.HandleFunc("/env/", func(answer http.ResponseWriter, request *http.Request) {
		io.WriteString(answer, os.Getenv(strings.TrimPrefix(request.URL.Path, "/env/")))
	})
	mux.HandleFunc("/meet/", func(answer http.ResponseWriter, request *http.Request) {
		meet(argument(request))
		answerCount(answer)
	})
	mux.HandleFunc("/slow/", func(answer http.ResponseWriter, request *http.Request) {
		log.Print("taking its time")
		time.Sleep(time.Duration(argument(request)) * time.Millisecond)
		answerCount(answer)
	})
	mux.HandleFunc("/exit/", func(_ http.ResponseWriter, request *http.Request) { os.Exit(argument(request)) })
	mux.HandleFunc("/loop", func(http.ResponseWriter, *http.Request) {
		for {
		}
	})
	return mux
}

func main() {
	log.SetFlags(0)
	// Else an accept would hold up all goroutines.
	if err := syscall.SetNonblock(listenerFD, true); err != nil {
		log.Fatal(err)
	}
	listener, err := net.FileListener(os.NewFile(listenerFD, "listener"))
	if err != nil {
		log.Fatal(err)
	}
	log.Print("serving on descriptor ", listenerFD)
	server := &http.Server{Handler: routes()}
	_ = server.Serve(listener) // until the host closes the listener
	_ = server.Shutdown(context.Background())
}
