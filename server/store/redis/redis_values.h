#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_VALUES_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_VALUES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/redis/redis_reply.h"
#include "server/store/stream_store.h"

namespace eventbus {

// How Redis' replies read as StreamStore's values, and the texts in which the registry keeps its
// records (docs/redis.md). A reply that is not what it should be is INTERNAL: somebody else has
// written to our keys.

// The field of an entry that holds its events: the version of the entry format.
inline constexpr char kEventsField[] = "1";
// Of a redriven event: what its dead letter said.
inline constexpr char kNoteField[] = "note";
// The field that says how many events there are, where that is not one.
inline constexpr char kCountField[] = "n";
// The field that says when the first of them expires, in Unix ms; behind kCountField, which is
// there then in any case.
inline constexpr char kExpiryField[] = "x";

absl::StatusOr<EntryId> ReadEntryId(RedisReply reply);
// [id, [field, value, …]]
absl::StatusOr<Entry> ReadEntry(RedisReply reply);
// Of XRANGE.
absl::StatusOr<std::vector<Entry>> ReadEntries(RedisReply reply);
// Of XREADGROUP on one stream; nil is empty.
absl::StatusOr<std::vector<Entry>> ReadEntriesOfGroup(RedisReply reply);
// Of XPENDING with a range.
absl::StatusOr<std::vector<PendingEntry>> ReadPendingEntries(RedisReply reply);
// Of XINFO CONSUMERS.
absl::StatusOr<std::vector<ConsumerInfo>> ReadConsumers(RedisReply reply);
// Of claim.lua.
absl::StatusOr<ClaimResult> ReadClaim(RedisReply reply);
absl::StatusOr<LeaseResult> ReadLease(RedisReply reply);
// Of group_info.lua.
GroupInfo ReadGroupInfo(RedisReply reply);
// Of list_states.lua.
absl::StatusOr<std::vector<EntryState>> ReadStateList(RedisReply reply);
// Of stream_info.lua.
absl::StatusOr<StreamInfo> ReadStreamInfo(RedisReply reply);
// "analytics@3"
absl::StatusOr<GroupKey> ReadGroupKey(absl::string_view text);

// Of HGETALL on the registry's hashes.
absl::StatusOr<std::vector<TypeRecord>> ReadTypes(RedisReply reply);
// "17 1735689600000": stamp and time of birth.
absl::StatusOr<TypeRecord> ReadTypeRecord(absl::string_view name, absl::string_view record);
absl::StatusOr<GroupRecord> ReadGroupRecord(absl::string_view name, absl::string_view record);
absl::StatusOr<std::vector<GroupRecord>> ReadGroups(RedisReply reply);
absl::StatusOr<std::vector<StoredLetter>> ReadStoredLetters(RedisReply reply);
absl::StatusOr<HeartbeatResult> ReadHeartbeat(RedisReply reply);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_VALUES_H_
