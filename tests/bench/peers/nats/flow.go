package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// consuming is a connection with a durable pull consumer that acks what comes.
//
// It always holds the newest message back: when everything has come, that one's ack is sent with a
// wait for the server's answer. Acks are handled in the order of their sending, so the answer says
// that all of them are.
type consuming struct {
	*connection
	consumer jetstream.Consumer
	ackEvery uint64
	context  jetstream.ConsumeContext

	mutex    sync.Mutex
	received uint64
	awaited  uint64
	newest   jetstream.Msg
	err      error
	// Gets a value when `awaited` messages have come, or at the first error.
	reached chan struct{}
}

func newConsuming(ctx context.Context, o options) (*consuming, error) {
	c := &consuming{ackEvery: uint64(o.ackEvery), reached: make(chan struct{}, 1)}
	var err error
	if c.connection, err = connect(o); err != nil {
		return nil, err
	}
	policy := jetstream.AckExplicitPolicy
	if o.ackEvery > 1 {
		policy = jetstream.AckAllPolicy
	}
	c.consumer, err = c.js.CreateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Durable:       "bench",
		AckPolicy:     policy,
		MaxAckPending: o.maxAckPending,
	})
	if err != nil {
		c.nats.Close()
		return nil, err
	}
	// Pulls ahead: as many as may be in flight, and again when half of them have come.
	c.context, err = c.consumer.Consume(c.onMessage, jetstream.PullMaxMessages(o.maxAckPending),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { c.fail(err) }))
	if err != nil {
		c.nats.Close()
		return nil, err
	}
	return c, nil
}

func (c *consuming) close() {
	c.context.Stop()
	c.nats.Close()
}

func (c *consuming) onMessage(message jetstream.Msg) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	// Everything up to `received` has come before this message; `newest` is the last of it.
	if c.newest != nil && c.received%c.ackEvery == 0 {
		if err := c.newest.Ack(); err != nil {
			c.failLocked(fmt.Errorf("acking: %w", err))
			return
		}
	}
	c.newest = message
	c.received++
	if c.received == c.awaited {
		c.wake()
	}
}

func (c *consuming) fail(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.failLocked(err)
}

func (c *consuming) failLocked(err error) {
	if c.err == nil {
		c.err = err
	}
	c.wake()
}

func (c *consuming) wake() {
	select {
	case c.reached <- struct{}{}:
	default:
	}
}

// settle returns when so many messages have come and the server knows that all of them are acked.
func (c *consuming) settle(ctx context.Context, messages uint64) error {
	c.mutex.Lock()
	c.awaited = messages
	if c.received >= c.awaited {
		c.wake()
	}
	c.mutex.Unlock()
	select {
	case <-c.reached:
	case <-ctx.Done():
		return fmt.Errorf("waiting for deliveries: %w", ctx.Err())
	}
	c.mutex.Lock()
	newest, err := c.newest, c.err
	c.newest = nil
	c.mutex.Unlock()
	if err != nil {
		return err
	}
	if newest == nil {
		return nil
	}
	if err := newest.DoubleAck(ctx); err != nil {
		return fmt.Errorf("confirming the last ack: %w", err)
	}
	return nil
}

// check fails if anything was delivered again or is not acked: then the figures would mean nothing.
func (c *consuming) check(ctx context.Context, messages uint64) error {
	info, err := c.consumer.Info(ctx)
	if err != nil {
		return err
	}
	if info.NumAckPending > 0 || info.NumRedelivered > 0 || info.AckFloor.Stream != messages {
		return fmt.Errorf("of %d messages those up to %d are acked; %d wait for an ack, %d came again",
			messages, info.AckFloor.Stream, info.NumAckPending, info.NumRedelivered)
	}
	return nil
}

// runFlow publishes to a durable consumer on a connection of its own, until the last ack.
func runFlow(ctx context.Context, o options) (figures, error) {
	p, err := newPublishing(o)
	if err != nil {
		return nil, err
	}
	defer p.nats.Close()
	if _, err := p.makeStream(ctx, o); err != nil {
		return nil, err
	}
	c, err := newConsuming(ctx, o)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := p.publishFor(ctx, o.warmUpDuration()); err != nil {
		return nil, err
	}
	if err := c.settle(ctx, p.published); err != nil {
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
	if err := c.settle(ctx, p.published); err != nil {
		return nil, err
	}
	result, err := run.report(p.published-before, p.connection)
	if err != nil {
		return nil, err
	}
	return result, c.check(ctx, p.published)
}
