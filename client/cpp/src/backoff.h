#ifndef EVENTBUS_CLIENT_CPP_SRC_BACKOFF_H_
#define EVENTBUS_CLIENT_CPP_SRC_BACKOFF_H_

#include <algorithm>

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace eventbus::client {

// Delays between tries: each twice the last, from 50 ms up to 5 s, made 0 to 50 % shorter at random
// so that clients that lost one broker do not come back all at once. For one thread at a time.
class Backoff {
 public:
  absl::Duration Next() {
    const absl::Duration full = next_;
    next_ = std::min(next_ * 2, kLongest);
    return full * absl::Uniform(random_, 0.5, 1.0);
  }

  // After a success.
  void Reset() { next_ = kFirst; }

 private:
  static constexpr absl::Duration kFirst = absl::Milliseconds(50);
  static constexpr absl::Duration kLongest = absl::Seconds(5);

  absl::BitGen random_;
  absl::Duration next_ = kFirst;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_BACKOFF_H_
