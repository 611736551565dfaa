#ifndef EVENTBUS_SERVER_LOOP_UV_NETWORK_H_
#define EVENTBUS_SERVER_LOOP_UV_NETWORK_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "server/loop/network.h"
#include "server/loop/uv_loop.h"

namespace eventbus {

// Network of UvLoop: its sockets, and names, which are resolved on libuv's own threads. Owned by
// whoever owns the loop, which must outlive it and its watchers.
class UvNetwork final : public Network {
 public:
  explicit UvNetwork(UvLoop* loop) : loop_(loop), alive_(std::make_shared<bool>(true)) {}
  ~UvNetwork() override { *alive_ = false; }
  UvNetwork(const UvNetwork&) = delete;
  UvNetwork& operator=(const UvNetwork&) = delete;

  std::unique_ptr<SocketWatcher> WatchSocket(int socket,
                                             absl::AnyInvocable<void(Readiness)> on_ready) override;
  void Resolve(const std::string& host, Resolved done) override;

 private:
  UvLoop* const loop_;
  // Look-ups under way find out by it that nobody waits any more.
  const std::shared_ptr<bool> alive_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_LOOP_UV_NETWORK_H_
