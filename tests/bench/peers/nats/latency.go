package main

import (
	"context"
	"fmt"
	"time"
)

// runLatency publishes one message at a time, the next when the server has acknowledged the last.
func runLatency(ctx context.Context, o options) (figures, error) {
	p, err := newPublishing(o)
	if err != nil {
		return nil, err
	}
	defer p.nats.Close()
	if _, err := p.makeStream(ctx, o); err != nil {
		return nil, err
	}
	if _, err := p.publishOneByOne(ctx, o.warmUpDuration()); err != nil {
		return nil, err
	}
	run, err := startRun(o)
	if err != nil {
		return nil, err
	}
	latencies, err := p.publishOneByOne(ctx, o.duration())
	if err != nil {
		return nil, err
	}
	result, err := run.report(uint64(len(latencies)), p.connection)
	if err != nil {
		return nil, err
	}
	result["latency"] = latencyFigures(latencies)
	return result, nil
}

func (p *publishing) publishOneByOne(
	ctx context.Context, duration time.Duration,
) ([]time.Duration, error) {
	var latencies []time.Duration
	for now, end := time.Now(), time.Now().Add(duration); now.Before(end); {
		if _, err := p.js.Publish(ctx, subject, p.message); err != nil {
			return nil, fmt.Errorf("publishing: %w", err)
		}
		answered := time.Now()
		latencies = append(latencies, answered.Sub(now))
		now = answered
	}
	return latencies, nil
}
