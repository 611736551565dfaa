// eventbus-peer-nats is NATS JetStream's part of scripts/bench --peers: a server to be measured, or a
// client that puts load on it and prints what came of it as one JSON object.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

const usage = `usage: eventbus-peer-nats MODE [OPTION…]
  server    a NATS server with JetStream on a free port of loopback
  flow      publishes to a durable consumer that acks each message
  publish   publishes, with no consumer
  latency   publishes one message at a time
MODE --help tells the options.`

func run(arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("%s", usage)
	}
	mode, rest := arguments[0], arguments[1:]
	if mode == "server" {
		return serve(rest)
	}
	work, known := scenarios[mode]
	if !known {
		return fmt.Errorf("%s", usage)
	}
	figures, err := runScenario(mode, work, rest)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(figures)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
