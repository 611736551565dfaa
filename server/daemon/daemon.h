#ifndef EVENTBUS_SERVER_DAEMON_DAEMON_H_
#define EVENTBUS_SERVER_DAEMON_DAEMON_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config/config.h"
#include "server/observe/logging.h"

namespace eventbus {

// Daemon is the composition root: it builds the parts of an instance from the configuration, starts
// them, and takes them down in order. It is all there is to run one, so tests start as many as they
// like in a process:
//
//   Config config;
//   config.listen.address = "127.0.0.1:0";
//   absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(config, log);
//   Connect((*daemon)->port());
//   (*daemon)->Drain();
//
// Functions are for one thread at a time, which is not the loop's.
class Daemon {
 public:
  // Listens and serves when it returns. UNAVAILABLE: an address cannot be had. UNIMPLEMENTED: the
  // configuration asks for what this version does not have.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const Config& config, Logger log);

  // Without Drain, all stops at once, as in a crash that leaves no process behind.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // The ports bound, also where port 0 was asked for. metrics_port: 0 if there is no endpoint.
  int port() const;
  int metrics_port() const;

  // Whether it can do its work: what /readyz says.
  absl::Status Ready() const;

  // Stops in good order: health turns NOT_SERVING, publishes that have begun are finished,
  // subscribers are told and may settle what they hold, and the rest is given back. Returns when
  // that is done, after little more than `drain.timeout` at the latest. Once.
  void Drain();

 private:
  class Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_DAEMON_DAEMON_H_
