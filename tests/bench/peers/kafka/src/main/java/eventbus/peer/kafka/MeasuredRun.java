package eventbus.peer.kafka;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.utils.internals.AppInfoParser;

/** What is measured, from its start on: how long it takes, and the CPU time it costs. */
final class MeasuredRun {
  private final Map<String, ProcessHandle> processes = new LinkedHashMap<>();
  private final Map<String, Duration> before = new LinkedHashMap<>();
  private final long begin;

  MeasuredRun(Options options) {
    processes.put("client", ProcessHandle.current());
    if (options.serverProcess() > 0) {
      processes.put(
          "server",
          ProcessHandle.of(options.serverProcess())
              .orElseThrow(() -> new IllegalStateException("the server's process is gone")));
    }
    processes.forEach((name, process) -> before.put(name, cpuTime(process)));
    begin = System.nanoTime();
  }

  Figures report(long events) {
    double seconds = (System.nanoTime() - begin) / 1e9;
    Figures figures = new Figures();
    figures.put("events", events);
    figures.put("seconds", seconds);
    figures.put("events_per_second", events / seconds);
    figures.put("kafka", AppInfoParser.getVersion());
    figures.put("java", Runtime.version().toString());
    processes.forEach(
        (name, process) -> {
          double spent = cpuTime(process).minus(before.get(name)).toNanos() / 1e9;
          figures.put(name + "_cpu_seconds", spent);
          figures.put(name + "_cpu_seconds_per_million", spent * 1e6 / events);
        });
    return figures;
  }

  /** User and system time of all threads so far, in steps of 10 ms. */
  private static Duration cpuTime(ProcessHandle process) {
    return process
        .info()
        .totalCpuDuration()
        .orElseThrow(() -> new IllegalStateException("no CPU time of process " + process.pid()));
  }
}
