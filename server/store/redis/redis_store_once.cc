// RedisStore: appending what is not there yet, and keeping what is to be delivered later.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// How append_once.lua takes a time.
std::string DueText(const std::optional<DeliveryDelay>& delay) {
  if (!delay.has_value()) return "";
  if (delay->at == absl::InfinitePast()) {
    return absl::StrCat("+", absl::ToInt64Milliseconds(delay->after));
  }
  return absl::StrCat(std::max<int64_t>(absl::ToUnixMillis(delay->at), 0));
}

// One event's part of what it gives.
absl::StatusOr<OnceOutcome> ReadOutcome(RedisReply reply, EntryId appended) {
  OnceOutcome outcome;
  if (reply.is_integer()) {
    outcome.position = {appended, static_cast<uint32_t>(reply.number())};
    return outcome;
  }
  absl::string_view text = reply.text();
  outcome.duplicate = !absl::ConsumePrefix(&text, "+");
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('~', 1));
  if (parts.second.empty()) {
    const absl::StatusOr<Position> position = Position::Parse(text);
    if (!position.ok()) return absl::InternalError(position.status().message());
    outcome.position = *position;
    return outcome;
  }
  outcome.delayed_id = std::string(parts.second);
  int64_t due_ms = 0;
  if (!absl::SimpleAtoi(parts.first, &due_ms)) {
    return absl::InternalError("Redis gave a strange place of a delayed event");
  }
  if (!outcome.duplicate) outcome.due = absl::FromUnixMillis(due_ms);
  return outcome;
}

// All of it.
absl::StatusOr<AppendOnceResult> ReadOutcomes(RedisReply reply) {
  constexpr size_t kHead = 3;
  AppendOnceResult result;
  result.store_time = absl::FromUnixMillis(static_cast<int64_t>(reply[0].number()));
  result.waiting = reply[1].number();
  EntryId appended;
  if (!reply[2].text().empty()) {
    const absl::StatusOr<EntryId> id = ReadEntryId(reply[2]);
    if (!id.ok()) return id.status();
    appended = *id;
  }
  result.events.reserve(reply.size());
  for (size_t i = kHead; i < reply.size(); ++i) {
    absl::StatusOr<OnceOutcome> outcome = ReadOutcome(reply[i], appended);
    if (!outcome.ok()) return outcome.status();
    result.events.push_back(*std::move(outcome));
  }
  return result;
}

}  // namespace

void RedisStore::AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) {
  if (absl::Status room = CheckRoom(); !room.ok()) {
    return AnswerSoon<AppendOnceResult>(std::move(done), std::move(room));
  }
  const bool remembers = request.window > absl::ZeroDuration();
  std::vector<std::string> arguments = {absl::StrCat(absl::ToInt64Milliseconds(request.window)),
                                        absl::StrCat(kMostRememberedKeys)};
  arguments.reserve(2 + 4 * request.events.size());
  // What the index of due times has to know: the soonest of either kind.
  std::optional<DeliveryDelay> soonest_at;
  std::optional<DeliveryDelay> soonest_after;
  bool appends = false;
  size_t offset = 0;
  for (OnceEvent& event : request.events) {
    arguments.push_back(remembers ? std::move(event.key) : "");
    arguments.push_back(DueText(event.delay));
    arguments.push_back(event.expires_ms == 0 ? "" : absl::StrCat(event.expires_ms));
    arguments.emplace_back(request.value.view().substr(offset, event.size));
    offset += event.size;
    if (!event.delay.has_value()) {
      appends = true;
      continue;
    }
    std::optional<DeliveryDelay>& soonest =
        event.delay->at == absl::InfinitePast() ? soonest_after : soonest_at;
    if (!soonest.has_value() || event.delay->at < soonest->at ||
        event.delay->after < soonest->after) {
      soonest = event.delay;
    }
  }
  if (appends) TellAppended(request.stream);
  const std::string& stream = request.stream;
  RunWrite(RedisScript::kAppendOnce,
           {keys_.Log(stream), keys_.Seen(stream), keys_.SeenOrder(stream), keys_.Delayed(stream),
            keys_.DelayedEvents(stream)},
           std::move(arguments),
           [done = Replicated(std::move(done))](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             done(ReadOutcomes(*reply));
           });
  std::vector<std::string> due = {stream};
  if (soonest_at.has_value()) due.push_back(DueText(soonest_at));
  if (soonest_after.has_value()) due.push_back(DueText(soonest_after));
  if (due.size() == 1) return;
  // Right behind it. Should it get lost, GetDelayedInfo mends that.
  RunWrite(RedisScript::kNoteDue, {keys_.Due()}, std::move(due),
           [](const absl::StatusOr<RedisReply>&) {});
}

}  // namespace eventbus
