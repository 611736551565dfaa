#ifndef EVENTBUS_CLIENT_CLI_INTERRUPT_H_
#define EVENTBUS_CLIENT_CLI_INTERRUPT_H_

#include "absl/time/time.h"

namespace eventbus::cli {

// Ctrl-C and SIGTERM as something to wait for. Made first thing in main, before any other thread,
// which inherit that the signals are blocked; also ignores SIGPIPE, so that a closed output is an
// error of write. Owned by main. Any thread may ask.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();

  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool Requested() const;
  // Readable once it was requested.
  int fd() const { return fd_; }

 private:
  int fd_;
};

// A flag that one thread raises and another waits for, together with an Interrupt.
class Waker {
 public:
  Waker();
  ~Waker();

  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void Wake();

  enum class Reason { kWoken, kInterrupted, kTimedOut };
  Reason Wait(const Interrupt& interrupt, absl::Time deadline) const;

 private:
  int fd_;
};

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_INTERRUPT_H_
