package eventbus.peer.kafka;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;

/**
 * What a scenario does. Where eventbus-load has the same option, its default is the same; the
 * producer's are Kafka's own.
 */
record Options(
    String server,
    int serverProcess,
    Duration duration,
    Duration warmUp,
    Duration limit,
    int messageBytes,
    int lingerMilliseconds,
    int batchBytes,
    boolean autoCommit) {
  static final String TOPIC = "bench";

  static Options from(Arguments arguments) {
    Options options =
        new Options(
            arguments.text("server"),
            arguments.integer("server-pid", 0),
            arguments.seconds("seconds", 3),
            arguments.seconds("warm-up", 0.5),
            arguments.seconds("limit", 120),
            arguments.integer("message-bytes", 256),
            arguments.integer("linger-ms", 5),
            arguments.integer("batch-bytes", 16_384),
            arguments.flag("auto-commit"));
    arguments.expectNoMore();
    return options;
  }

  int limitMilliseconds() {
    return Math.toIntExact(limit.toMillis());
  }

  /** What every client of the broker needs to be told. */
  Properties connection() {
    Properties properties = new Properties();
    properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, server);
    return properties;
  }
}
