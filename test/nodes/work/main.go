// Work is the only program in the containers of the tests: work [-for DURATION] [-exit CODE] [-on-term MODE] runs for a while, or until it
// is asked to end. Without arguments it waits to be asked, so it is what holds a pod's namespaces, too.
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
	runFor := flag.Duration("for", 0, "how long to run; 0 means until the end is asked for")
	code := flag.Int("exit", 0, "the exit code after that time")
	onTerm := flag.Duration("on-term", 0, "how long to go on after SIGTERM; negative means for ever")
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
