#include "server/loop/socket_set.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace eventbus {

class SocketSet::Watcher final : public SocketWatcher {
 public:
  Watcher(SocketSet* set, uint64_t key, int socket) : set_(set), key_(key), socket_(socket) {}
  ~Watcher() override {
    Expect(false);
    Watch(false, false);
    set_->watched_.erase(key_);
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void Watch(bool readable, bool writable) override {
    epoll_event event = {};
    event.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
    event.data.u64 = key_;
    // A socket that is in the set hears of its errors, also if it is watched for nothing.
    const bool wanted = event.events != 0;
    const int change = !wanted ? EPOLL_CTL_DEL : in_set_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!wanted && !in_set_) return;
    const bool done = epoll_ctl(set_->set_, change, socket_, &event) == 0;
    // Whoever waits for it in vain gives up the connection.
    if (!done && wanted) std::perror("eventbusd: cannot watch a socket");
    in_set_ = wanted && (done || in_set_);
  }

  void Expect(bool soon) override {
    if (soon == expects_) return;
    expects_ = soon;
    set_->expecting_.fetch_add(soon ? 1 : -1, std::memory_order_relaxed);
  }

 private:
  SocketSet* const set_;
  const uint64_t key_;
  const int socket_;
  bool in_set_ = false;
  bool expects_ = false;
};

SocketSet::SocketSet() : set_(epoll_create1(EPOLL_CLOEXEC)) {
  if (set_ >= 0) return;
  // Without it there is no process.
  std::perror("eventbusd: cannot create the set of sockets");
  std::abort();
}

SocketSet::~SocketSet() { close(set_); }

std::unique_ptr<SocketWatcher> SocketSet::Watch(
    int socket, absl::AnyInvocable<void(Network::Readiness)> on_ready) {
  const uint64_t key = next_++;
  watched_.emplace(key, std::make_shared<OnReady>(std::move(on_ready)));
  return std::make_unique<Watcher>(this, key, socket);
}

bool SocketSet::Serve() {
  std::array<epoll_event, 16> ready;
  const int count = epoll_wait(set_, ready.data(), static_cast<int>(ready.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<size_t>(i)];
    // One of the calls before may have ended it.
    const auto found = watched_.find(event.data.u64);
    if (found == watched_.end()) continue;
    const std::shared_ptr<OnReady> on_ready = found->second;
    // Reading or writing a broken socket tells what is wrong with it.
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    (*on_ready)({.readable = broken || (event.events & EPOLLIN) != 0,
                 .writable = broken || (event.events & EPOLLOUT) != 0});
  }
  return count > 0;
}

}  // namespace eventbus
