#include "server/store/redis/redis_values.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace eventbus {
namespace {

absl::Status Strange(absl::string_view what, absl::string_view text = "") {
  return absl::InternalError(absl::StrCat("Redis gave a strange ", what, ": \"",
                                          absl::CHexEscape(text.substr(0, 100)),
                                          "\"; does something else write to these keys?"));
}

// Takes "123 " off the front of `text`.
bool TakeNumber(absl::string_view* text, uint64_t* number) {
  const size_t space = text->find(' ');
  if (space == absl::string_view::npos || !absl::SimpleAtoi(text->substr(0, space), number)) {
    return false;
  }
  text->remove_prefix(space + 1);
  return true;
}

// Calls read(part) for each part of an array, and collects what it gives.
template <typename T, typename Read>
absl::StatusOr<std::vector<T>> ReadAll(RedisReply reply, Read read) {
  std::vector<T> all;
  all.reserve(reply.size());
  for (size_t i = 0; i < reply.size(); ++i) {
    absl::StatusOr<T> one = read(reply[i]);
    if (!one.ok()) return one.status();
    all.push_back(*std::move(one));
  }
  return all;
}

// The same for what stands there by turns, as in HGETALL.
template <typename T, typename Read>
absl::StatusOr<std::vector<T>> ReadPairs(RedisReply reply, Read read) {
  std::vector<T> all;
  all.reserve(reply.size() / 2);
  for (size_t i = 0; i + 1 < reply.size(); i += 2) {
    absl::StatusOr<T> one = read(reply[i].text(), reply[i + 1].text());
    if (!one.ok()) return one.status();
    all.push_back(*std::move(one));
  }
  return all;
}

// As TIME gives it.
absl::Time ReadTime(RedisReply seconds, RedisReply microseconds) {
  return absl::FromUnixSeconds(static_cast<int64_t>(seconds.number())) +
         absl::Microseconds(static_cast<int64_t>(microseconds.number()));
}

}  // namespace

absl::StatusOr<EntryId> ReadEntryId(RedisReply reply) {
  absl::StatusOr<EntryId> id = EntryId::Parse(reply.text());
  if (!id.ok()) return Strange("entry id", reply.text());
  return id;
}

absl::StatusOr<Entry> ReadEntry(RedisReply reply) {
  const absl::StatusOr<EntryId> id = ReadEntryId(reply[0]);
  if (!id.ok()) return id.status();
  const RedisReply fields = reply[1];
  if (fields[0].text() != kEventsField) return Strange("entry field", fields[0].text());
  Entry entry{*id, Bytes::FromString(std::string(fields[1].text())), {}};
  for (size_t i = 2; i + 1 < fields.size(); i += 2) {
    if (fields[i].text() == kNoteField) entry.note = std::string(fields[i + 1].text());
    if (fields[i].text() == kExpiryField) {
      entry.expires_ms = static_cast<int64_t>(fields[i + 1].number());
    }
  }
  return entry;
}

absl::StatusOr<std::vector<Entry>> ReadEntries(RedisReply reply) {
  return ReadAll<Entry>(reply, &ReadEntry);
}

absl::StatusOr<std::vector<Entry>> ReadEntriesOfGroup(RedisReply reply) {
  return ReadEntries(reply[0][1]);
}

absl::StatusOr<std::vector<PendingEntry>> ReadPendingEntries(RedisReply reply) {
  return ReadAll<PendingEntry>(reply, [](RedisReply part) -> absl::StatusOr<PendingEntry> {
    const absl::StatusOr<EntryId> id = ReadEntryId(part[0]);
    if (!id.ok()) return id.status();
    return PendingEntry{*id, std::string(part[1].text()), part[3].number()};
  });
}

absl::StatusOr<std::vector<ConsumerInfo>> ReadConsumers(RedisReply reply) {
  return ReadAll<ConsumerInfo>(reply, [](RedisReply part) -> absl::StatusOr<ConsumerInfo> {
    ConsumerInfo consumer;
    for (size_t i = 0; i + 1 < part.size(); i += 2) {
      if (part[i].text() == "name") consumer.name = std::string(part[i + 1].text());
      if (part[i].text() == "pending") consumer.pending = part[i + 1].number();
    }
    return consumer;
  });
}

absl::StatusOr<LeaseResult> ReadLease(RedisReply reply) {
  LeaseResult lease;
  if (reply.size() != 2 || !absl::SimpleAtoi(reply[0].text(), &lease.fence)) {
    return Strange("lease");
  }
  lease.owner = std::string(reply[1].text());
  return lease;
}

absl::StatusOr<ClaimResult> ReadClaim(RedisReply reply) {
  absl::StatusOr<std::vector<Entry>> entries = ReadEntries(reply[0]);
  if (!entries.ok()) return entries.status();
  ClaimResult result;
  result.entries.reserve(entries->size());
  for (size_t i = 0; i < entries->size(); ++i) {
    result.entries.push_back({std::move((*entries)[i]), reply[1][i].number(),
                              std::string(reply[2][i].text()), std::string(reply[5][i].text())});
  }
  result.vanished = reply[3].number();
  result.more = reply[4].number() > 0;
  return result;
}

namespace {

// Of all, where some of them have so many.
uint64_t Estimate(uint64_t all, uint64_t some, uint64_t events_of_some) {
  if (some == 0) return 0;
  const double each = static_cast<double>(events_of_some) / static_cast<double>(some);
  return static_cast<uint64_t>(std::llround(static_cast<double>(all) * each));
}

EntryId IdOr(RedisReply reply, EntryId none) { return EntryId::Parse(reply.text()).value_or(none); }

}  // namespace

GroupInfo ReadGroupInfo(RedisReply reply) {
  GroupInfo info;
  info.pending_entries = reply[0].number();
  info.exact = reply[4].number() > 0;
  info.unread_events = Estimate(reply[3].number(), reply[1].number(), reply[2].number());
  info.last_read = IdOr(reply[5], EntryId::Min());
  info.first_pending = IdOr(reply[6], EntryId::Max());
  info.first_unread = IdOr(reply[7], EntryId::Max());
  info.pending_events = Estimate(info.pending_entries, reply[8].number(), reply[9].number());
  info.lost_events = reply[10].number();
  return info;
}

absl::StatusOr<std::vector<EntryState>> ReadStateList(RedisReply reply) {
  std::vector<EntryState> states;
  for (size_t i = 0; i + 1 < reply.size(); i += 2) {
    const absl::StatusOr<EntryId> id = ReadEntryId(reply[i]);
    if (!id.ok()) return id.status();
    states.push_back({*id, std::string(reply[i + 1].text())});
  }
  return states;
}

absl::StatusOr<StreamInfo> ReadStreamInfo(RedisReply reply) {
  StreamInfo info;
  info.entries = reply[0].number();
  const absl::StatusOr<EntryId> last = ReadEntryId(reply[2]);
  if (!last.ok()) return last.status();
  info.last = *last;
  info.first = info.last.Next();
  if (!reply[1].text().empty()) {
    const absl::StatusOr<EntryId> first = ReadEntryId(reply[1]);
    if (!first.ok()) return first.status();
    info.first = *first;
  }
  const uint64_t looked_at = reply[3].number();
  info.events = Estimate(info.entries, looked_at, reply[4].number());
  info.bytes = Estimate(info.entries, looked_at, reply[5].number());
  info.exact = looked_at == info.entries;
  info.store_time = ReadTime(reply[6], reply[7]);
  return info;
}

absl::StatusOr<GroupKey> ReadGroupKey(absl::string_view text) {
  const size_t at = text.rfind('@');
  GroupKey key;
  if (at == absl::string_view::npos || !absl::SimpleAtoi(text.substr(at + 1), &key.generation)) {
    return Strange("group", text);
  }
  key.name = std::string(text.substr(0, at));
  return key;
}

absl::StatusOr<std::vector<TypeRecord>> ReadTypes(RedisReply reply) {
  return ReadPairs<TypeRecord>(
      reply, [](absl::string_view name, absl::string_view record) -> absl::StatusOr<TypeRecord> {
        return ReadTypeRecord(name, record);
      });
}

absl::StatusOr<TypeRecord> ReadTypeRecord(absl::string_view name, absl::string_view record) {
  TypeRecord type{std::string(name)};
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(record, absl::MaxSplits(' ', 1));
  if (!absl::SimpleAtoi(parts.first, &type.stamp)) return Strange("type record", record);
  int64_t born_ms = 0;
  if (absl::SimpleAtoi(parts.second, &born_ms)) type.born = absl::FromUnixMillis(born_ms);
  return type;
}

absl::StatusOr<GroupRecord> ReadGroupRecord(absl::string_view name, absl::string_view record) {
  GroupRecord group;
  group.name = std::string(name);
  absl::string_view rest = record;
  if (!TakeNumber(&rest, &group.stamp) || !TakeNumber(&rest, &group.version) ||
      !TakeNumber(&rest, &group.generation)) {
    return Strange("group record", record);
  }
  group.definition = std::string(rest);
  return group;
}

absl::StatusOr<std::vector<GroupRecord>> ReadGroups(RedisReply reply) {
  return ReadPairs<GroupRecord>(reply, &ReadGroupRecord);
}

absl::StatusOr<std::vector<StoredLetter>> ReadStoredLetters(RedisReply reply) {
  return ReadAll<StoredLetter>(reply, [](RedisReply part) -> absl::StatusOr<StoredLetter> {
    const absl::StatusOr<EntryId> id = ReadEntryId(part[0]);
    if (!id.ok()) return id.status();
    const RedisReply fields = part[1];
    if (fields[0].text() != kEventsField) return Strange("dead letter", fields[0].text());
    return StoredLetter{*id, Bytes::FromString(std::string(fields[1].text())),
                        std::string(fields[3].text())};
  });
}

absl::StatusOr<HeartbeatResult> ReadHeartbeat(RedisReply reply) {
  absl::StatusOr<std::vector<InstanceRecord>> instances = ReadPairs<InstanceRecord>(
      reply[0],
      [](absl::string_view name, absl::string_view record) -> absl::StatusOr<InstanceRecord> {
        InstanceRecord instance;
        instance.incarnation = std::string(name);
        absl::string_view rest = record;
        uint64_t left = 0;
        if (!TakeNumber(&rest, &instance.counter) || !TakeNumber(&rest, &left)) {
          return Strange("instance record", record);
        }
        instance.left = left != 0;
        instance.report = std::string(rest);
        return instance;
      });
  if (!instances.ok()) return instances.status();
  return HeartbeatResult{*std::move(instances), ReadTime(reply[1], reply[2])};
}

}  // namespace eventbus
