package eventbus.peer.kafka;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;

/** A Kafka of one node, broker and controller in one process. */
final class Server {
  private static final String HOST = "127.0.0.1";

  private Server() {}

  /**
   * Runs until the process is killed, or until the limit: nobody needs it longer, and a bench that
   * was killed leaves nothing behind for good.
   */
  static void serve(Arguments arguments) throws Exception {
    Path directory = Path.of(arguments.text("directory")).toAbsolutePath();
    Duration limit = arguments.seconds("limit", 600);
    arguments.expectNoMore();
    Deadline.endAfter(limit, 0, "the server's time is over");

    int[] ports = freePorts(2);
    Properties properties = properties(directory, ports[0], ports[1]);
    format(directory, properties);
    new KafkaRaftServer(KafkaConfig.fromProps(properties), Time.SYSTEM).startup();
    System.out.printf("kafka listening on %s:%d%n", HOST, ports[0]);
    Thread.sleep(limit.plusSeconds(60).toMillis());
  }

  /** What the server.properties that Kafka comes with say of a single node; else its defaults. */
  private static Properties properties(Path directory, int brokerPort, int controllerPort) {
    Properties properties = new Properties();
    properties.put("process.roles", "broker,controller");
    properties.put("node.id", "1");
    properties.put("controller.quorum.bootstrap.servers", HOST + ":" + controllerPort);
    properties.put(
        "listeners",
        "PLAINTEXT://%s:%d,CONTROLLER://%s:%d".formatted(HOST, brokerPort, HOST, controllerPort));
    properties.put("controller.listener.names", "CONTROLLER");
    properties.put("inter.broker.listener.name", "PLAINTEXT");
    properties.put("log.dirs", directory.resolve("log").toString());
    for (String topic : new String[] {"transaction.state.log", "share.coordinator.state.topic"}) {
      properties.put(topic + ".replication.factor", "1");
      properties.put(topic + ".min.isr", "1");
    }
    properties.put("offsets.topic.replication.factor", "1");
    // The first member of a group would else be kept waiting for others, before anything is
    // measured.
    properties.put("group.initial.rebalance.delay.ms", "0");
    return properties;
  }

  /** As kafka-storage.sh format --standalone does it. */
  private static void format(Path directory, Properties properties) throws IOException {
    Path file = directory.resolve("server.properties");
    try (Writer writer = Files.newBufferedWriter(file)) {
      properties.store(writer, null);
    }
    String[] command = {
      "format",
      "--standalone",
      "--cluster-id",
      Uuid.randomUuid().toString(),
      "--config",
      file.toString()
    };
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    int status =
        StorageTool.execute(command, new PrintStream(output, true, StandardCharsets.UTF_8));
    if (status != 0) {
      throw new IOException("formatting: " + output.toString(StandardCharsets.UTF_8));
    }
  }

  /** Ports that are free now, all different; the controller's must be known before it starts. */
  private static int[] freePorts(int count) throws IOException {
    ServerSocket[] sockets = new ServerSocket[count];
    int[] ports = new int[count];
    for (int i = 0; i < count; i++) {
      sockets[i] = new ServerSocket(0, 1, InetAddress.getByName(HOST));
      ports[i] = sockets[i].getLocalPort();
    }
    for (ServerSocket socket : sockets) {
      socket.close();
    }
    return ports;
  }
}
