package eventbus.peer.kafka;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Apache Kafka's part of scripts/bench --peers: a broker to be measured, or a client that puts load
 * on it and prints what came of it as one JSON object.
 */
public final class Main {
  private static final String USAGE =
      """
      usage: eventbus-peer-kafka MODE [--NAME=VALUE...]
        server    a Kafka broker on a free port of loopback: --directory --limit
        flow      publishes to a consumer group that commits what it got
        publish   publishes, with no consumer
        latency   publishes one event at a time
      Options of the last three: --server --server-pid --seconds --warm-up --limit
      --message-bytes --linger-ms --batch-bytes --auto-commit\
      """;

  private interface Scenario {
    Figures run(Options options) throws Exception;
  }

  private static final Map<String, Scenario> SCENARIOS =
      Map.of("flow", Scenarios::flow, "publish", Scenarios::publish, "latency", Scenarios::latency);

  private Main() {}

  private static void run(String mode, List<String> arguments) throws Exception {
    if (mode.equals("server")) {
      Server.serve(new Arguments(arguments));
      return;
    }
    Scenario scenario = SCENARIOS.get(mode);
    if (scenario == null) {
      throw new IllegalArgumentException(USAGE);
    }
    Options options = Options.from(new Arguments(arguments));
    Deadline.endAfter(options.limit(), 1, mode + ": not over within the limit");
    Figures figures = scenario.run(options);
    System.out.println(figures.toJson());
  }

  /** Runs the mode that the first argument names. */
  public static void main(String[] arguments) {
    try {
      if (arguments.length == 0) {
        throw new IllegalArgumentException(USAGE);
      }
      run(arguments[0], Arrays.asList(arguments).subList(1, arguments.length));
      System.exit(0);
    } catch (IllegalArgumentException wrong) {
      System.err.println(wrong.getMessage());
    } catch (Exception failure) {
      failure.printStackTrace();
    }
    System.exit(1);
  }
}
