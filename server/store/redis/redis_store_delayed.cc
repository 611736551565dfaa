// RedisStore: delayed events.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// Digits at the front of an id: when it was given, in microseconds.
constexpr size_t kStoredDigits = 16;
// Where all streams are asked for.
constexpr uint64_t kAllStreams = 10'000'000;

absl::Time ReadMillis(RedisReply reply) {
  return absl::FromUnixMillis(static_cast<int64_t>(reply.number()));
}

std::optional<absl::Time> ReadDue(RedisReply reply) {
  if (reply.text().empty()) return std::nullopt;
  return ReadMillis(reply);
}

// A time as ZADD takes it. What is beyond all times that a log has is the end of time.
std::string MillisText(absl::Time time) {
  return absl::StrCat(std::max<int64_t>(absl::ToUnixMillis(time), 0));
}

absl::StatusOr<DelayedEvent> ReadDelayed(RedisReply id, RedisReply due, absl::string_view record) {
  int64_t stored = 0;
  const size_t space = record.find(' ');
  if (space == absl::string_view::npos ||
      !absl::SimpleAtoi(id.text().substr(0, kStoredDigits), &stored)) {
    return absl::InternalError("Redis gave a strange delayed event");
  }
  int64_t expires_ms = 0;
  if (!absl::SimpleAtoi(record.substr(0, space), &expires_ms)) expires_ms = 0;
  return DelayedEvent{std::string(id.text()), ReadMillis(due), absl::FromUnixMicros(stored),
                      Bytes::FromString(std::string(record.substr(space + 1))), expires_ms};
}

}  // namespace

void RedisStore::MoveDue(MoveDueRequest request, Callback<MoveDueResult> done) {
  std::vector<std::string> arguments = {
      absl::StrCat(request.max_events), absl::StrCat(request.max_bytes),
      absl::StrCat(request.max_events_per_entry), absl::StrCat(request.max_entry_bytes)};
  const std::string& stream = request.stream;
  TellAppended(stream);
  RunWrite(RedisScript::kMoveDue,
           {keys_.Log(stream), keys_.Delayed(stream), keys_.DelayedEvents(stream)},
           std::move(arguments),
           [this, stream = request.stream,
            done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             MoveDueResult moved;
             moved.events = (*reply)[0].number();
             moved.bytes = (*reply)[1].number();
             moved.waiting = (*reply)[2].number();
             moved.next_due = ReadDue((*reply)[3]);
             moved.store_time = ReadMillis((*reply)[4]);
             CorrectDue(std::move(stream), moved, std::move(done));
           });
}

void RedisStore::CorrectDue(std::string stream, MoveDueResult moved, Callback<MoveDueResult> done) {
  // The index is in another slot than the stream, so the two cannot change in one step. Somebody
  // may delay an event between the look above and this write, which then says too late a time, or
  // nothing: so it is looked at once more, behind the write. Whoever delays something notes it
  // after having done so: before the write, and then it is seen here; or after it, and then it
  // stays.
  RedisCommand note(moved.next_due.has_value() ? "ZADD" : "ZREM");
  note.Add(keys_.Due());
  if (moved.next_due.has_value()) note.Add(MillisText(*moved.next_due));
  SendWrite(std::move(note.Add(stream)), [](const absl::StatusOr<RedisReply>&) {});
  const std::string delayed = keys_.Delayed(stream);
  RunWrite(RedisScript::kDelayedInfo, {delayed}, {},
           [this, stream = std::move(stream), moved,
            done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(moved);  // What was moved, was moved.
             const std::optional<absl::Time> due = ReadDue((*reply)[1]);
             if (due.has_value() && (!moved.next_due.has_value() || *due < *moved.next_due)) {
               RunWrite(RedisScript::kNoteDue, {keys_.Due()}, {stream, MillisText(*due)},
                        [](const absl::StatusOr<RedisReply>&) {});
             }
             moved.waiting = (*reply)[0].number();
             moved.next_due = due;
             done(moved);
           });
}

void RedisStore::ListDue(uint64_t max_streams, Callback<ListDueResult> done) {
  Run(RedisScript::kListDue, {keys_.Due()},
      {absl::StrCat(max_streams == 0 ? kAllStreams : max_streams)},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        ListDueResult result;
        result.store_time = ReadMillis((*reply)[0]);
        const RedisReply pairs = (*reply)[1];
        for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
          result.streams.push_back({std::string(pairs[i].text()), ReadMillis(pairs[i + 1])});
        }
        done(std::move(result));
      });
}

void RedisStore::GetDelayedInfo(std::string stream, Callback<DelayedInfo> done) {
  Run(RedisScript::kDelayedInfo, {keys_.Delayed(stream)}, {},
      [this, stream, done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        const DelayedInfo info = {(*reply)[0].number(), ReadDue((*reply)[1])};
        if (info.next_due.has_value()) {
          RunWrite(RedisScript::kNoteDue, {keys_.Due()}, {stream, MillisText(*info.next_due)},
                   [](const absl::StatusOr<RedisReply>&) {});
        }
        done(info);
      });
}

void RedisStore::ListDelayed(ListDelayedRequest request, Callback<std::vector<DelayedEvent>> done) {
  const bool bounded = request.due_before != absl::InfiniteFuture();
  std::vector<std::string> arguments = {MillisText(request.due_from), std::move(request.after_id),
                                        bounded ? MillisText(request.due_before) : "+inf",
                                        absl::StrCat(request.max_events),
                                        absl::StrCat(request.max_bytes)};
  Run(RedisScript::kListDelayed,
      {keys_.Delayed(request.stream), keys_.DelayedEvents(request.stream)}, std::move(arguments),
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        std::vector<DelayedEvent> events;
        for (size_t i = 0; i + 2 < reply->size(); i += 3) {
          absl::StatusOr<DelayedEvent> event =
              ReadDelayed((*reply)[i], (*reply)[i + 1], (*reply)[i + 2].text());
          if (!event.ok()) return done(event.status());
          events.push_back(*std::move(event));
        }
        done(std::move(events));
      });
}

void RedisStore::CancelDelayed(std::string stream, std::string id, Callback<DelayedEvent> done) {
  RunWrite(RedisScript::kCancelDelayed, {keys_.Delayed(stream), keys_.DelayedEvents(stream)},
           {std::move(id)},
           [done = Replicated(std::move(done))](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             done(ReadDelayed((*reply)[0], (*reply)[1], (*reply)[2].text()));
           });
}

}  // namespace eventbus
