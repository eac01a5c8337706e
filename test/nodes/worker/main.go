// Worker is the only program in the containers of the tests. It runs for a while, or until SIGTERM; without arguments it waits for that, so
// it is also the program of the container that holds a pod's namespaces.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	runFor := flag.Duration("for", 0, "how long to run; 0 means until SIGTERM")
	code := flag.Int("exit", 0, "the exit code after that time")
	onTerm := flag.Duration("on-term", 0, "how long to keep running after SIGTERM; if negative, until SIGKILL")
	termCode := flag.Int("on-term-exit", 143, "the exit code after SIGTERM")
	flag.Parse()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	say("started")
	var over <-chan time.Time // never, if nothing says when
	if *runFor > 0 {
		over = time.After(*runFor)
	}
	select {
	case <-over:
		say("done")
		os.Exit(*code)
	case s := <-asked:
		say("asked to end: " + s.String())
	}
	if *onTerm < 0 {
		select {}
	}
	<-time.After(*onTerm)
	say("ended")
	os.Exit(*termCode)
}

func say(what string) {
	host, err := os.Hostname()
	if err != nil {
		host = "a container"
	}
	fmt.Println(time.Now().UTC().Format(time.RFC3339Nano), host, what)
}
