#ifndef EVENTBUS_SERVER_LOOP_NETWORK_H_
#define EVENTBUS_SERVER_LOOP_NETWORK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

namespace eventbus {

// Tells when a socket can be read or written. Belongs to whoever created it; destroying it ends the
// watch at once, and must happen before the socket is closed. Loop thread only.
class SocketWatcher {
 public:
  virtual ~SocketWatcher() = default;
  // What to watch for from now on. Neither: nothing, until the next call.
  virtual void Watch(bool readable, bool writable) = 0;
  // Whether the other end owes an answer that mostly comes at once, so that it is worth while to
  // look for it before going to sleep (Loop::expecting). Not at first.
  virtual void Expect(bool soon) = 0;
};

// Network is what a loop knows of sockets and names. Sockets are made elsewhere, by the client
// library of the protocol that is spoken over them. Loop thread only.
class Network {
 public:
  struct Readiness {
    bool readable = false;
    bool writable = false;
  };
  using Resolved = absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>)>;

  virtual ~Network() = default;

  // Watches nothing yet. A socket in error counts as readable and writable, so that whoever uses it
  // finds the error. `on_ready` may destroy the watcher.
  virtual std::unique_ptr<SocketWatcher> WatchSocket(
      int socket, absl::AnyInvocable<void(Readiness)> on_ready) = 0;

  // Finds the numeric addresses of a host without stopping the loop; `done` in a later task, with
  // at least one address. UNAVAILABLE: it could not be found. Not called any more once the network
  // is destroyed.
  virtual void Resolve(const std::string& host, Resolved done) = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_LOOP_NETWORK_H_
