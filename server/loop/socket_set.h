#ifndef EVENTBUS_SERVER_LOOP_SOCKET_SET_H_
#define EVENTBUS_SERVER_LOOP_SOCKET_SET_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "server/loop/network.h"

namespace eventbus {

// The sockets of a loop, in an epoll set of their own: what is watched for changes at once, whoever
// has the loop, and a thread may sleep on the set or leave that to another one.
//
// Owned by UvLoop, and must outlive the watchers. All but `expecting` is for the thread that has
// the loop.
class SocketSet {
 public:
  SocketSet();
  ~SocketSet();
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;

  // Can be read while a socket is ready.
  int descriptor() const { return set_; }

  // See Network::WatchSocket.
  std::unique_ptr<SocketWatcher> Watch(int socket,
                                       absl::AnyInvocable<void(Network::Readiness)> on_ready);

  // Tells those whose sockets are ready now. False: none is.
  bool Serve();
  // No watcher is left.
  bool empty() const { return watched_.empty(); }

  // Whether something is expected on one of them (SocketWatcher::Expect). Any thread.
  bool expecting() const { return expecting_.load(std::memory_order_relaxed) > 0; }

 private:
  class Watcher;
  using OnReady = absl::AnyInvocable<void(Network::Readiness)>;

  const int set_;
  // By what the set knows them by. Shared with a call under way, in which they may go.
  absl::flat_hash_map<uint64_t, std::shared_ptr<OnReady>> watched_;
  uint64_t next_ = 0;
  std::atomic<int> expecting_{0};
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_LOOP_SOCKET_SET_H_
