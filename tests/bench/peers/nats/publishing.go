package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// How many messages are published between two looks at the clock.
const clockEvery = 100

// publishing is a connection that publishes as fast as the server acknowledges.
type publishing struct {
	*connection
	limit     time.Duration
	message   []byte
	published uint64
	failed    atomic.Uint64
}

func newPublishing(o options) (*publishing, error) {
	p := &publishing{limit: toDuration(o.limit), message: make([]byte, o.messageBytes)}
	for i := range p.message {
		p.message[i] = 'x'
	}
	var err error
	p.connection, err = connect(o,
		jetstream.WithPublishAsyncMaxPending(o.maxPending),
		jetstream.WithPublishAsyncErrHandler(func(jetstream.JetStream, *nats.Msg, error) {
			p.failed.Add(1)
		}))
	return p, err
}

// publishFor publishes for so long, and returns when all of it is acknowledged.
func (p *publishing) publishFor(ctx context.Context, duration time.Duration) error {
	end := time.Now().Add(duration)
	for time.Now().Before(end) {
		for range clockEvery {
			// Where as many as may be are pending, this waits; by default not for long.
			_, err := p.js.PublishAsync(subject, p.message, jetstream.WithStallWait(p.limit))
			if err != nil {
				return fmt.Errorf("publishing: %w", err)
			}
			p.published++
		}
	}
	select {
	case <-p.js.PublishAsyncComplete():
	case <-ctx.Done():
		return fmt.Errorf("waiting for acknowledgements: %w", ctx.Err())
	}
	if failed := p.failed.Load(); failed > 0 {
		return fmt.Errorf("%d messages were not stored", failed)
	}
	return nil
}

// runPublish publishes with no consumer.
func runPublish(ctx context.Context, o options) (figures, error) {
	p, err := newPublishing(o)
	if err != nil {
		return nil, err
	}
	defer p.nats.Close()
	if _, err := p.makeStream(ctx, o); err != nil {
		return nil, err
	}
	if err := p.publishFor(ctx, o.warmUpDuration()); err != nil {
		return nil, err
	}
	before := p.published
	run, err := startRun(o)
	if err != nil {
		return nil, err
	}
	if err := p.publishFor(ctx, o.duration()); err != nil {
		return nil, err
	}
	return run.report(p.published-before, p.connection)
}
