#ifndef EVENTBUS_SERVER_BROKER_FAN_OUT_H_
#define EVENTBUS_SERVER_BROKER_FAN_OUT_H_

#include <cstddef>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace eventbus {

using FanOutDone = absl::AnyInvocable<void(absl::Status)>;

// Does something for each index below `count`, at most `at_once` of them at a time: `start(index,
// done)` begins it and calls `done` when it is over, at once or later. Then `finished`, once: OK,
// or the first error, after which nothing more is begun. If a `done` is destroyed without having
// been called, `finished` is so too. Loop thread only.
//
//   FanOut(streams.size(), 64,
//          [=](size_t i, FanOutDone done) { store->CountLetters(streams[i], …, done); },
//          [=](absl::Status status) { … });
void FanOut(size_t count, size_t at_once, absl::AnyInvocable<void(size_t, FanOutDone)> start,
            FanOutDone finished);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_FAN_OUT_H_
