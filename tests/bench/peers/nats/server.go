package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// serve runs a NATS server until it is killed, or until the limit: nobody needs it longer, and a
// bench that was killed leaves nothing behind for good.
func serve(arguments []string) error {
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	directory := flags.String("directory", "", "where JetStream may keep files")
	limit := flags.Duration("limit", 10*time.Minute, "when to end in any case")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *directory == "" {
		return errors.New("--directory is missing")
	}
	// All else is as it is by default.
	nats, err := server.NewServer(&server.Options{
		Host:      "127.0.0.1",
		Port:      server.RANDOM_PORT,
		JetStream: true,
		StoreDir:  *directory,
		NoLog:     true,
		NoSigs:    true,
	})
	if err != nil {
		return err
	}
	nats.Start()
	if !nats.ReadyForConnections(10 * time.Second) {
		return errors.New("the server did not get ready within 10 s")
	}
	fmt.Printf("nats-server listening on %s\n", nats.ClientURL())
	time.Sleep(*limit)
	nats.Shutdown()
	return nil
}
