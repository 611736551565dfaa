package eventbus.peer.kafka;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Options of a command line, each as --NAME=VALUE. What was not asked for is unknown. */
final class Arguments {
  private final Map<String, String> left = new HashMap<>();

  Arguments(List<String> arguments) {
    for (String argument : arguments) {
      int sign = argument.indexOf('=');
      if (!argument.startsWith("--") || sign < 0) {
        throw new IllegalArgumentException("not --NAME=VALUE: " + argument);
      }
      left.put(argument.substring(2, sign), argument.substring(sign + 1));
    }
  }

  String text(String name) {
    String value = left.remove(name);
    if (value == null) {
      throw new IllegalArgumentException("--" + name + " is missing");
    }
    return value;
  }

  boolean flag(String name) {
    String value = left.remove(name);
    return value != null && Boolean.parseBoolean(value);
  }

  int integer(String name, int otherwise) {
    String value = left.remove(name);
    return value == null ? otherwise : Integer.parseInt(value);
  }

  Duration seconds(String name, double otherwise) {
    String value = left.remove(name);
    double seconds = value == null ? otherwise : Double.parseDouble(value);
    return Duration.ofNanos(Math.round(seconds * 1e9));
  }

  /** To be called when everything that is known was asked for. */
  void expectNoMore() {
    if (!left.isEmpty()) {
      throw new IllegalArgumentException("unknown options: " + left.keySet());
    }
  }
}
