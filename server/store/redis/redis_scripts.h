#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_SCRIPTS_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_SCRIPTS_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace eventbus {

// What runs inside Redis, because it must be one step: scripts/*.lua, each with a comment that says
// what it takes and gives. The names are those of the files, in the same order as in
// CMakeLists.txt.
enum class RedisScript {
  kAckWithStates,
  kAcquireLease,
  kAppendOnce,
  kBury,
  kCancelDelayed,
  kClaim,
  kCreateStream,
  kDelayedInfo,
  kDeleteStream,
  kDestroyGroup,
  kDropMail,
  kGroupInfo,
  kHeartbeat,
  kLeave,
  kLeaveMail,
  kListDelayed,
  kListDue,
  kListStates,
  kMoveDue,
  kNoteDue,
  kOpenBus,
  kReadFenced,
  kReadStates,
  kRedrive,
  kRegisterGroup,
  kRegisterType,
  kRelease,
  kReleaseLease,
  kRemoveConsumer,
  kRemoveGroup,
  kStreamInfo,
  kTrim,
  kUnregisterGroup,
  kUnregisterType,
  kUpdateGroup,
  kWriteStates,
};
inline constexpr size_t kRedisScripts = static_cast<size_t>(RedisScript::kWriteStates) + 1;

// Its source, made part of the program at build time.
absl::string_view SourceOf(RedisScript script);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_SCRIPTS_H_
