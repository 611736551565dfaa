package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The stream, and the subject of all messages; a type's name as it is for eventbusd.
const (
	streamName = "bench"
	subject    = "bench.type0000"
)

// options say what a scenario does. Where eventbus-load has the same one, its default is the same.
type options struct {
	server        string
	storage       string
	serverProcess int
	seconds       float64
	warmUp        float64
	limit         float64
	messageBytes  int
	maxPending    int
	maxAckPending int
	ackEvery      int
}

func (o options) duration() time.Duration       { return toDuration(o.seconds) }
func (o options) warmUpDuration() time.Duration { return toDuration(o.warmUp) }

func toDuration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}

func parse(mode string, arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet(mode, flag.ExitOnError)
	flags.StringVar(&o.server, "server", "", "URL of the server")
	flags.StringVar(&o.storage, "storage", "memory", "of the stream: memory or file")
	flags.IntVar(&o.serverProcess, "server-pid", 0, "whose CPU time to tell")
	flags.Float64Var(&o.seconds, "seconds", 3, "length of the run that is measured")
	flags.Float64Var(&o.warmUp, "warm-up", 0.5, "seconds before it")
	flags.Float64Var(&o.limit, "limit", 120, "seconds after which the run has failed")
	flags.IntVar(&o.messageBytes, "message-bytes", 256, "of a message")
	// 32 messages of 100 events: what eventbusd lets a PublishStream have unanswered.
	flags.IntVar(&o.maxPending, "max-pending", 3200, "messages published and not yet acknowledged")
	flags.IntVar(&o.maxAckPending, "max-ack-pending", 10_000, "messages delivered and not yet acked")
	flags.IntVar(&o.ackEvery, "ack-every", 1,
		"1: acks each message; more: one ack for so many (AckAll)")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if o.ackEvery < 1 || o.ackEvery > o.maxAckPending {
		return o, fmt.Errorf("--ack-every must be between 1 and --max-ack-pending")
	}
	return o, nil
}

// connection is one TCP connection to the server, with JetStream on it.
type connection struct {
	nats *nats.Conn
	js   jetstream.JetStream
}

func connect(o options, jsOptions ...jetstream.JetStreamOpt) (*connection, error) {
	nc, err := nats.Connect(o.server, nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	js, err := jetstream.New(nc, jsOptions...)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &connection{nats: nc, js: js}, nil
}

func (c *connection) makeStream(ctx context.Context, o options) (jetstream.Stream, error) {
	config := jetstream.StreamConfig{Name: streamName, Subjects: []string{"bench.*"}}
	switch o.storage {
	case "memory":
		config.Storage = jetstream.MemoryStorage
	case "file":
		config.Storage = jetstream.FileStorage
	default:
		return nil, fmt.Errorf("--storage must be memory or file")
	}
	return c.js.CreateStream(ctx, config)
}

type scenario func(ctx context.Context, o options) (figures, error)

var scenarios = map[string]scenario{
	"flow":    runFlow,
	"publish": runPublish,
	"latency": runLatency,
}

func runScenario(mode string, work scenario, arguments []string) (figures, error) {
	o, err := parse(mode, arguments)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), toDuration(o.limit))
	defer cancel()
	result, err := work(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", mode, err)
	}
	return result, nil
}
