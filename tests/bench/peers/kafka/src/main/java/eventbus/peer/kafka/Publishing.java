package eventbus.peer.kafka;

import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A producer that publishes as fast as the broker acknowledges. */
final class Publishing implements AutoCloseable {
  /** How many events are published between two looks at the clock. */
  private static final int CLOCK_EVERY = 100;

  private final Options options;
  private final KafkaProducer<byte[], byte[]> producer;
  private final byte[] message;
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private long published;

  Publishing(Options options) {
    this.options = options;
    Properties properties = options.connection();
    properties.put(ProducerConfig.ACKS_CONFIG, "all");
    properties.put(ProducerConfig.LINGER_MS_CONFIG, options.lingerMilliseconds());
    properties.put(ProducerConfig.BATCH_SIZE_CONFIG, options.batchBytes());
    // What takes longer has failed, with the run.
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, options.limitMilliseconds());
    producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    message = new byte[options.messageBytes()];
    Arrays.fill(message, (byte) 'x');
  }

  long published() {
    return published;
  }

  /** Hands events to the producer for so long; where its memory is full, that waits. */
  void sendFor(Duration duration) {
    Callback onAnswer =
        (metadata, error) -> {
          if (error != null) {
            failure.compareAndSet(null, error);
          }
        };
    long end = System.nanoTime() + duration.toNanos();
    while (System.nanoTime() < end) {
      for (int i = 0; i < CLOCK_EVERY; i++) {
        producer.send(new ProducerRecord<>(Options.TOPIC, message), onAnswer);
      }
      published += CLOCK_EVERY;
    }
  }

  /** Returns when everything is acknowledged. */
  void flush() throws Exception {
    producer.flush();
    if (failure.get() != null) {
      throw failure.get();
    }
  }

  /** Publishes for so long, the next event when the broker has acknowledged the last one. */
  long[] publishOneByOne(Duration duration) throws Exception {
    long[] latencies = new long[1024];
    int count = 0;
    long now = System.nanoTime();
    long end = now + duration.toNanos();
    while (now < end) {
      producer
          .send(new ProducerRecord<>(Options.TOPIC, message))
          .get(options.limitMilliseconds(), TimeUnit.MILLISECONDS);
      long answered = System.nanoTime();
      if (count == latencies.length) {
        latencies = Arrays.copyOf(latencies, 2 * count);
      }
      latencies[count++] = answered - now;
      now = answered;
    }
    published += count;
    return Arrays.copyOf(latencies, count);
  }

  @Override
  public void close() {
    producer.close(options.limit());
  }
}
