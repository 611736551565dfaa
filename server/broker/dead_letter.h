#ifndef EVENTBUS_SERVER_BROKER_DEAD_LETTER_H_
#define EVENTBUS_SERVER_BROKER_DEAD_LETTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/entry.h"

namespace eventbus {

// Why an event became a dead letter; numbers as in eventbus.v1.DeadLetterCause.
enum class DeadLetterCause { kNacked = 1, kDeadline = 2, kRejected = 3, kCrashes = 4 };

// What a dead letter says besides the event itself. Times are of the store's clock, in Unix ms.
struct DeadLetterDetails {
  // Where the event was in its stream.
  Position position;
  DeadLetterCause cause = DeadLetterCause::kNacked;
  // Of its attempts, the last one last; at most StateRecord::kMaxReasons.
  std::vector<std::string> reasons;
  uint32_t attempts = 0;
  uint32_t times_delivered = 0;
  // 0: unknown.
  uint64_t first_delivery_ms = 0;
  uint64_t dead_ms = 0;
  // How often it had been redriven when it died.
  uint32_t redriven = 0;
  // Who had it last.
  std::string instance;
  std::string subscriber;

  // Readable: it is what operators see with redis-cli.
  std::string ToJson() const;
  // DATA_LOSS if it is not that. Unknown members are ignored.
  static absl::StatusOr<DeadLetterDetails> FromJson(absl::string_view json);

  friend bool operator==(const DeadLetterDetails&, const DeadLetterDetails&) = default;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_DEAD_LETTER_H_
