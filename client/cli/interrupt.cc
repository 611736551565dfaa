#include "client/cli/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>

#include "absl/time/clock.h"

namespace eventbus::cli {

Interrupt::Interrupt() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

Interrupt::~Interrupt() { close(fd_); }

bool Interrupt::Requested() const {
  pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, 0) > 0;
}

Waker::Waker() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Waker::~Waker() { close(fd_); }

void Waker::Wake() {
  const uint64_t one = 1;
  // Fails only when it is raised already, 2^64 times.
  (void)!write(fd_, &one, sizeof(one));
}

Waker::Reason Waker::Wait(const Interrupt& interrupt, absl::Time deadline) const {
  constexpr absl::Duration kLongestPoll = absl::Hours(1);
  while (true) {
    std::array<pollfd, 2> waiting = {{{.fd = fd_, .events = POLLIN, .revents = 0},
                                      {.fd = interrupt.fd(), .events = POLLIN, .revents = 0}}};
    const absl::Duration left =
        std::clamp(deadline - absl::Now(), absl::ZeroDuration(), kLongestPoll);
    poll(waiting.data(), waiting.size(),
         static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)))));
    if (waiting[0].revents != 0) return Reason::kWoken;
    if (waiting[1].revents != 0) return Reason::kInterrupted;
    if (absl::Now() >= deadline) return Reason::kTimedOut;
  }
}

}  // namespace eventbus::cli
