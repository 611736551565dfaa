#include "server/store/redis/redis_signals.h"

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {

RedisCommand RedisSignal::Write(absl::string_view key, uint64_t max_length) const {
  RedisCommand command("XADD");
  command.Add(key).Add("MAXLEN").Add("~").Add(max_length).Add("*").Add("from").Add(from);
  if (!advanced.empty()) command.Add("advanced").Add(absl::StrJoin(advanced, " "));
  if (!released.empty()) {
    command.Add("released").Add(absl::StrJoin(released, " ", [](std::string* out, const auto& one) {
      absl::StrAppend(out, one.first, "|", one.second.ToString());
    }));
  }
  if (!wishes.empty()) {
    command.Add("wanted").Add(absl::StrJoin(wishes, " ", [](std::string* out, const auto& wish) {
      absl::StrAppend(out, wish.stream, "|", wish.group.ToString(), "|", wish.owner, "|", wish.by,
                      "|", wish.owned);
    }));
  }
  if (!mail.empty()) {
    command.Add("mail").Add(absl::StrJoin(mail, " ", [](std::string* out, const auto& notice) {
      absl::StrAppend(out, notice.stream, "|", notice.group.ToString(), "|", notice.id.ToString(),
                      "|", notice.consumer);
    }));
  }
  if (look_at_everything) command.Add("look").Add("1");
  return command;
}

RedisSignal RedisSignal::Read(RedisReply fields) {
  RedisSignal signal;
  for (size_t i = 0; i + 1 < fields.size(); i += 2) {
    const absl::string_view name = fields[i].text();
    const absl::string_view value = fields[i + 1].text();
    if (name == "from") signal.from = std::string(value);
    if (name == "registry") signal.registry_changed = true;
    if (name == "left" || name == "joined") signal.instances_changed = true;
    if (name == "look") signal.look_at_everything = true;
    if (name == "advanced") {
      for (const absl::string_view stream : absl::StrSplit(value, ' ', absl::SkipEmpty())) {
        signal.advanced.emplace(stream);
      }
    }
    if (name == "released") {
      for (const absl::string_view one : absl::StrSplit(value, ' ', absl::SkipEmpty())) {
        const std::pair<absl::string_view, absl::string_view> parts =
            absl::StrSplit(one, absl::MaxSplits('|', 1));
        const absl::StatusOr<GroupKey> group = ReadGroupKey(parts.second);
        if (group.ok()) signal.released.emplace(std::string(parts.first), *group);
      }
    }
    if (name == "mail") {
      for (const absl::string_view one : absl::StrSplit(value, ' ', absl::SkipEmpty())) {
        const std::vector<absl::string_view> parts = absl::StrSplit(one, '|');
        if (parts.size() != 4) continue;
        absl::StatusOr<GroupKey> group = ReadGroupKey(parts[1]);
        const absl::StatusOr<EntryId> id = EntryId::Parse(parts[2]);
        if (!group.ok() || !id.ok()) continue;
        signal.mail.insert({std::string(parts[0]), *std::move(group), *id, std::string(parts[3])});
      }
    }
    if (name == "wanted") {
      for (const absl::string_view one : absl::StrSplit(value, ' ', absl::SkipEmpty())) {
        const std::vector<absl::string_view> parts = absl::StrSplit(one, '|');
        LeaseWish wish;
        if (parts.size() != 5 || !absl::SimpleAtoi(parts[4], &wish.owned)) continue;
        absl::StatusOr<GroupKey> group = ReadGroupKey(parts[1]);
        if (!group.ok()) continue;
        wish.stream = std::string(parts[0]);
        wish.group = *std::move(group);
        wish.owner = std::string(parts[2]);
        wish.by = std::string(parts[3]);
        signal.wishes.insert(std::move(wish));
      }
    }
  }
  return signal;
}

}  // namespace eventbus
