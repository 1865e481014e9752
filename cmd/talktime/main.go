package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones work on machines without a tz database
)

func main() {
	os.Exit(run())
}

// run starts the program on this machine. The first SIGINT or SIGTERM cancels
// the context, so that a command finishes what it has in flight; from then on
// the signals have their usual effect again and a second one ends the process
// at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	// Writing to a pipe nobody reads any more is an error like others: the signal
	// would end the process before it has given up its hold on the database.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	a := &app{
		stdin:       os.Stdin,
		stdout:      os.Stdout,
		stderr:      os.Stderr,
		environ:     os.Environ(),
		clock:       newWallClock(),
		clockIsKept: clockIsKept,

		ownsProcess: true,
	}
	return a.run(ctx, os.Args[1:])
}
