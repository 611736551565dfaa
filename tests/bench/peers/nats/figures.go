package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// figures are what a scenario found out, under the names that eventbus-load has for them.
type figures map[string]any

// cpuSeconds is the user and system time of all threads of a process so far.
func cpuSeconds(process int) (float64, error) {
	// How Linux makes the number of a process' CPU clock from the process' own.
	clock := int32(^process<<3 | 2)
	var spent unix.Timespec
	if err := unix.ClockGettime(clock, &spent); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", process, err)
	}
	return float64(spent.Nano()) / 1e9, nil
}

// measuredRun is what is measured, from its start on: how long it takes, and the CPU time it costs.
type measuredRun struct {
	processes map[string]int
	before    map[string]float64
	begin     time.Time
}

func startRun(o options) (*measuredRun, error) {
	run := &measuredRun{
		processes: map[string]int{"client": os.Getpid()},
		before:    map[string]float64{},
	}
	if o.serverProcess > 0 {
		run.processes["server"] = o.serverProcess
	}
	for name, process := range run.processes {
		spent, err := cpuSeconds(process)
		if err != nil {
			return nil, err
		}
		run.before[name] = spent
	}
	run.begin = time.Now()
	return run, nil
}

func (r *measuredRun) report(events uint64, c *connection) (figures, error) {
	seconds := time.Since(r.begin).Seconds()
	result := figures{
		"events":            events,
		"seconds":           seconds,
		"events_per_second": float64(events) / seconds,
		"nats_server":       c.nats.ConnectedServerVersion(),
		"go":                runtime.Version(),
	}
	for name, process := range r.processes {
		now, err := cpuSeconds(process)
		if err != nil {
			return nil, err
		}
		spent := now - r.before[name]
		result[name+"_cpu_seconds"] = spent
		result[name+"_cpu_seconds_per_million"] = spent * 1e6 / float64(events)
	}
	return result, nil
}

// latencyFigures has exact percentiles, in microseconds; it sorts what it is given.
func latencyFigures(latencies []time.Duration) figures {
	slices.Sort(latencies)
	percentile := func(share float64) float64 {
		if len(latencies) == 0 {
			return 0
		}
		rank := max(1, int(math.Ceil(share*float64(len(latencies)))))
		return float64(latencies[rank-1].Nanoseconds()) / 1000
	}
	return figures{
		"count":   len(latencies),
		"p50_us":  percentile(0.5),
		"p90_us":  percentile(0.9),
		"p99_us":  percentile(0.99),
		"p999_us": percentile(0.999),
		"max_us":  percentile(1),
	}
}
