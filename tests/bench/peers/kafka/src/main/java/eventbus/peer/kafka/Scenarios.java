package eventbus.peer.kafka;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** The work, as eventbus-load gives it to eventbusd; each on a topic of one partition. */
final class Scenarios {
  private Scenarios() {}

  /** Publishes to a consumer group, until its last commit. */
  static Figures flow(Options options) throws Exception {
    makeTopic(options);
    try (Publishing publishing = new Publishing(options);
        Consuming consuming = new Consuming(options)) {
      consuming.start();
      publishing.sendFor(options.warmUp());
      settle(publishing, consuming);

      long before = publishing.published();
      MeasuredRun run = new MeasuredRun(options);
      publishing.sendFor(options.duration());
      settle(publishing, consuming);
      Figures figures = run.report(publishing.published() - before);
      consuming.check(publishing.published());
      return figures;
    }
  }

  private static void settle(Publishing publishing, Consuming consuming) throws Exception {
    consuming.expect(publishing.published());
    publishing.flush();
    consuming.awaitCommitted();
  }

  /** Publishes with no consumer. */
  static Figures publish(Options options) throws Exception {
    makeTopic(options);
    try (Publishing publishing = new Publishing(options)) {
      publishing.sendFor(options.warmUp());
      publishing.flush();

      long before = publishing.published();
      MeasuredRun run = new MeasuredRun(options);
      publishing.sendFor(options.duration());
      publishing.flush();
      return run.report(publishing.published() - before);
    }
  }

  /** Publishes one event at a time. */
  static Figures latency(Options options) throws Exception {
    makeTopic(options);
    try (Publishing publishing = new Publishing(options)) {
      publishing.publishOneByOne(options.warmUp());

      MeasuredRun run = new MeasuredRun(options);
      long[] latencies = publishing.publishOneByOne(options.duration());
      Figures figures = run.report(latencies.length);
      figures.put("latency", Figures.ofLatencies(latencies));
      return figures;
    }
  }

  private static void makeTopic(Options options) throws Exception {
    NewTopic topic = new NewTopic(Options.TOPIC, Optional.of(1), Optional.empty());
    try (Admin admin = Admin.create(options.connection())) {
      admin
          .createTopics(Set.of(topic))
          .all()
          .get(options.limitMilliseconds(), TimeUnit.MILLISECONDS);
    }
  }
}
