package eventbus.peer.kafka;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What a scenario found out, under the names that eventbus-load has for them. */
final class Figures {
  private final Map<String, String> members = new LinkedHashMap<>();

  void put(String name, long value) {
    members.put(name, Long.toString(value));
  }

  void put(String name, double value) {
    members.put(name, Double.toString(value));
  }

  void put(String name, String value) {
    members.put(name, quoted(value));
  }

  void put(String name, Figures value) {
    members.put(name, value.toJson());
  }

  String toJson() {
    return members.entrySet().stream()
        .map(member -> quoted(member.getKey()) + ":" + member.getValue())
        .collect(Collectors.joining(",", "{", "}"));
  }

  /** Names and versions only: they have no control characters. */
  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** Exact percentiles, in microseconds; sorts what it is given. */
  static Figures ofLatencies(long[] nanoseconds) {
    Arrays.sort(nanoseconds);
    Figures figures = new Figures();
    figures.put("count", nanoseconds.length);
    figures.put("p50_us", percentile(nanoseconds, 0.5));
    figures.put("p90_us", percentile(nanoseconds, 0.9));
    figures.put("p99_us", percentile(nanoseconds, 0.99));
    figures.put("p999_us", percentile(nanoseconds, 0.999));
    figures.put("max_us", percentile(nanoseconds, 1));
    return figures;
  }

  private static double percentile(long[] sorted, double share) {
    if (sorted.length == 0) {
      return 0;
    }
    int rank = Math.max(1, (int) Math.ceil(share * sorted.length));
    return sorted[rank - 1] / 1000.0;
  }
}
