package eventbus.peer.kafka;

import java.time.Duration;

/** The end of a process whose time is over, whatever it is waiting for. */
final class Deadline {
  private Deadline() {}

  static void endAfter(Duration limit, int status, String message) {
    Thread watch =
        new Thread(
            () -> {
              try {
                Thread.sleep(limit.toMillis());
              } catch (InterruptedException nobodyDoes) {
                return;
              }
              System.err.println(message);
              Runtime.getRuntime().halt(status);
            },
            "deadline");
    watch.setDaemon(true);
    watch.start();
  }
}
