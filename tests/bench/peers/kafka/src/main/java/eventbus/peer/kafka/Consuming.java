package eventbus.peer.kafka;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * The one member of a consumer group, on a thread of its own. After each poll it commits without
 * waiting for the answer, or leaves that to the library, which does it every five seconds; and with
 * a wait for the answer when all that is expected has come.
 */
final class Consuming implements AutoCloseable {
  /** Short, as what is expected is looked at between two polls only. */
  private static final Duration POLL = Duration.ofMillis(5);

  private static final long NOTHING_EXPECTED = Long.MAX_VALUE;

  private final Options options;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Thread thread = new Thread(this::run, "consuming");
  private final Semaphore ready = new Semaphore(0);
  private final Semaphore committed = new Semaphore(0);
  private volatile long expected = NOTHING_EXPECTED;
  private volatile boolean stopping;
  private volatile Exception failure;
  private long received;

  Consuming(Options options) {
    this.options = options;
    Properties properties = options.connection();
    properties.put(ConsumerConfig.GROUP_ID_CONFIG, "bench");
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, options.autoCommit());
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** Returns when the group has given it the partition. */
  void start() throws Exception {
    thread.start();
    await(ready, "the group");
  }

  /** How many events are all. */
  void expect(long events) {
    expected = events;
  }

  /** Returns when all that is expected has come, and the broker has stored how far it is. */
  void awaitCommitted() throws Exception {
    await(committed, "the events and their commit");
  }

  /** Fails if the broker has anything else stored: then the figures would mean nothing. */
  void check(long events) throws Exception {
    stop();
    TopicPartition partition = new TopicPartition(Options.TOPIC, 0);
    Map<TopicPartition, OffsetAndMetadata> stored =
        consumer.committed(Set.of(partition), options.limit());
    OffsetAndMetadata offset = stored.get(partition);
    if (offset == null || offset.offset() != events) {
      throw new IllegalStateException("%d events, but committed is %s".formatted(events, offset));
    }
  }

  @Override
  public void close() {
    stop();
    consumer.close(CloseOptions.timeout(options.limit()));
  }

  private void stop() {
    stopping = true;
    try {
      thread.join(options.limitMilliseconds());
    } catch (InterruptedException nobodyDoes) {
      Thread.currentThread().interrupt();
    }
  }

  private void await(Semaphore reached, String what) throws Exception {
    boolean inTime = reached.tryAcquire(options.limitMilliseconds(), TimeUnit.MILLISECONDS);
    if (failure != null) {
      throw failure;
    }
    if (!inTime) {
      throw new TimeoutException("waited in vain for " + what);
    }
  }

  private void run() {
    try {
      consumer.subscribe(List.of(Options.TOPIC));
      while (!stopping && consumer.assignment().isEmpty()) {
        take(consumer.poll(POLL));
      }
      ready.release();
      while (!stopping) {
        take(consumer.poll(POLL));
        if (received >= expected) {
          expected = NOTHING_EXPECTED;
          consumer.commitSync(options.limit());
          committed.release();
        }
      }
    } catch (Exception error) {
      fail(error);
    }
  }

  private void take(ConsumerRecords<byte[], byte[]> records) {
    for (ConsumerRecord<byte[], byte[]> record : records) {
      if (record.offset() != received || record.value().length != options.messageBytes()) {
        throw new IllegalStateException(
            "event %d came where %d should be".formatted(record.offset(), received));
      }
      received++;
    }
    if (!records.isEmpty() && !options.autoCommit()) {
      consumer.commitAsync(
          (offsets, error) -> {
            if (error != null) {
              fail(error);
            }
          });
    }
  }

  private void fail(Exception error) {
    failure = error;
    ready.release();
    committed.release();
  }
}
