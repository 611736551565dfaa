#ifndef EVENTBUS_SERVER_BROKER_REASON_H_
#define EVENTBUS_SERVER_BROKER_REASON_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// The cause of a failure. Numbers and meaning are those of eventbus.v1.ErrorReason
// (proto/eventbus/v1/errors.proto), where each is explained; rpc/ checks at compile time that they
// agree.
enum class Reason {
  kUnspecified = 0,
  kInvalidField = 1,
  kMalformed = 2,
  kTooLarge = 3,
  kOutOfTurn = 4,
  kNotImplemented = 5,
  kNotStored = 10,
  kOutcomeUnknown = 11,
  kPublishQueueFull = 12,
  kStoreFull = 13,
  kStreamFull = 14,
  kTooManyTypes = 15,
  kPositionMismatch = 16,
  kAtomicAcrossStreams = 17,
  kGroupNotFound = 20,
  kGroupMismatch = 21,
  kTooManyGroups = 22,
  kGroupChanged = 23,
  kTooManySubscribers = 24,
  kGroupExists = 25,
  kGroupInUse = 26,
  kSessionResumed = 27,
  kStreamNotFound = 30,
  kBadPosition = 31,
  kDraining = 40,
  kStoreUnavailable = 41,
  kHeartbeatMissed = 42,
  kInternal = 43,
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

// An error with its reason, and facts about it for programs, as payloads of the status.
absl::Status MakeError(absl::StatusCode code, Reason reason, absl::string_view message,
                       const Metadata& metadata = {});

// INVALID_ARGUMENT of kInvalidField about one field: "<field>: <description>".
absl::Status InvalidField(absl::string_view field, absl::string_view description);

// kUnspecified if the status carries none.
Reason ReasonOf(const absl::Status& status);
Metadata MetadataOf(const absl::Status& status);
// The field of an InvalidField error; empty otherwise.
std::string FieldOf(const absl::Status& status);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_REASON_H_
