// RedisStore: streams, reading them and trimming them.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// How many entries at each end of a stream are looked at to estimate the rest.
constexpr uint64_t kSample = 8;
// How many entries one step of a trim removes at most.
constexpr uint64_t kTrimStep = 500;
// How many entries a read bounded by bytes asks for while their size is not known.
constexpr uint32_t kFirstPage = 16;
// The name and arguments of AppendBegin, and of how many streams it is kept.
constexpr size_t kAppendBegin = 4;
constexpr size_t kMostAppendBegins = 10'000;

// Adds what XADD is to store: the events, and how many they are where that is not one.
template <typename Sink>
void AddFields(const AppendRequest& request, Sink add) {
  add(absl::string_view(kEventsField));
  add(request.value.view());
  if (request.event_count == 1 && request.expires_ms == 0) return;
  add(absl::string_view(kCountField));
  add(absl::string_view(absl::StrCat(request.event_count)));
  if (request.expires_ms == 0) return;
  add(absl::string_view(kExpiryField));
  add(absl::string_view(absl::StrCat(request.expires_ms)));
}

std::string StartOf(std::optional<EntryId> after) { return after ? after->ToString() : "$"; }

void AddLosses(const std::vector<GroupLoss>& losses, std::vector<GroupLoss>* sum) {
  for (const GroupLoss& loss : losses) {
    const auto known = std::find_if(sum->begin(), sum->end(),
                                    [&](const GroupLoss& one) { return one.group == loss.group; });
    if (known == sum->end()) {
      sum->push_back(loss);
    } else {
      known->events += loss.events;
    }
  }
}

}  // namespace

const std::string& RedisStore::AppendBegin(const std::string& stream) {
  const auto known = append_begins_.find(stream);
  if (known != append_begins_.end()) return known->second;
  if (append_begins_.size() >= kMostAppendBegins) append_begins_.clear();
  RedisCommand begin("XADD");
  begin.Add(keys_.Log(stream)).Add("NOMKSTREAM").Add("*");
  return append_begins_.emplace(stream, begin.Arguments()).first->second;
}

void RedisStore::Append(AppendRequest request, Callback<EntryId> done) {
  if (absl::Status room = CheckRoom(); !room.ok()) {
    return AnswerSoon<EntryId>(std::move(done), std::move(room));
  }
  RedisCommand command =
      client_.Begin(AppendBegin(request.stream), kAppendBegin, request.value.size());
  AddFields(request, [&command](absl::string_view field) { command.Add(field); });
  // Behind the append of this turn, on the same connection: who hears of it finds it.
  TellAppended(request.stream);
  if (writer_ == nullptr) return client_.SendForId(std::move(command), std::move(done));
  SendWrite(std::move(command), [done = Replicated(std::move(done)), stream = request.stream](
                                    const absl::StatusOr<RedisReply>& reply) mutable {
    if (!reply.ok()) return done(reply.status());
    if (reply->is_nil()) {
      return done(absl::NotFoundError(absl::StrCat("there is no stream \"", stream, "\"")));
    }
    done(ReadEntryId(*reply));
  });
}

void RedisStore::CreateStream(CreateStreamRequest request, Callback<CreateStreamResult> done) {
  std::vector<std::string> arguments = {absl::StrCat(request.groups.size())};
  for (const GroupKey& group : request.groups) arguments.push_back(group.ToString());
  if (request.append) {
    AddFields(*request.append,
              [&arguments](absl::string_view field) { arguments.emplace_back(field); });
  }
  if (request.append) TellAppended(request.stream);
  RunWrite(RedisScript::kCreateStream, {keys_.Log(request.stream)}, std::move(arguments),
           [done = Replicated(std::move(done))](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             CreateStreamResult result;
             if (!reply->is_nil()) {
               const absl::StatusOr<EntryId> id = ReadEntryId(*reply);
               if (!id.ok()) return done(id.status());
               result.appended = *id;
             }
             done(result);
           });
}

void RedisStore::ReadRange(ReadRangeRequest request, Callback<std::vector<Entry>> done) {
  // COUNT bounds entries and not bytes: what is asked for follows from the sizes seen lately.
  uint32_t count = request.max_entries;
  if (request.max_bytes > 0) {
    const auto seen = bytes_per_entry_.find(request.stream);
    // One more than fits on average: what does not fit after all is dropped here.
    const double fitting = seen == bytes_per_entry_.end()
                               ? kFirstPage
                               : static_cast<double>(request.max_bytes) / seen->second + 2;
    count = static_cast<uint32_t>(std::min(fitting, static_cast<double>(count)));
  }
  const std::string from = request.from.ToString();
  const std::string to = request.to.ToString();
  RedisCommand command(request.newest_first ? "XREVRANGE" : "XRANGE");
  command.Add(keys_.Log(request.stream))
      .Add(request.newest_first ? to : from)
      .Add(request.newest_first ? from : to)
      .Add("COUNT")
      .Add(uint64_t{count});
  Send(std::move(command),
       [this, stream = std::move(request.stream), max_bytes = request.max_bytes,
        done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         absl::StatusOr<std::vector<Entry>> entries = ReadEntries(*reply);
         if (!entries.ok()) return done(entries.status());
         if (entries->empty()) return CheckExists(stream, std::move(done));
         NoteEntries(stream, *entries);
         uint64_t bytes = 0;
         size_t fitting = 0;
         for (const Entry& entry : *entries) {
           bytes += entry.value.size();
           if (fitting > 0 && max_bytes > 0 && bytes > max_bytes) break;
           ++fitting;
         }
         entries->resize(fitting);
         done(std::move(entries));
       });
}

void RedisStore::CheckExists(const std::string& stream, Callback<std::vector<Entry>> done) {
  Send(std::move(RedisCommand("EXISTS").Add(keys_.Log(stream))),
       [stream, done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         if (reply->number() > 0) return done(std::vector<Entry>());
         done(absl::NotFoundError(absl::StrCat("there is no stream \"", stream, "\"")));
       });
}

void RedisStore::NoteEntries(const std::string& stream, const std::vector<Entry>& entries) {
  const auto [seen, first] = bytes_per_entry_.try_emplace(stream, 1.0);
  for (const Entry& entry : entries) {
    const auto size = static_cast<double>(std::max<size_t>(entry.value.size(), 1));
    // Up at once, down slowly: a page that is too large costs more than one that is too small.
    seen->second = first ? std::max(seen->second, size)
                         : std::max(size, seen->second + (size - seen->second) / 16);
  }
}

void RedisStore::GetStreamInfo(std::string stream, Callback<StreamInfo> done) {
  Run(RedisScript::kStreamInfo, {keys_.Log(stream)}, {absl::StrCat(kSample)},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        done(ReadStreamInfo(*reply));
      });
}

struct RedisStore::TrimInProgress {
  TrimRequest request;
  Callback<TrimResult> done;
  // What is still too much.
  uint64_t events_too_many = 0;
  uint64_t bytes_too_many = 0;
  // Of a dry run: the last entry that was counted.
  std::string counted_to;
  TrimResult sum;
};

void RedisStore::Trim(TrimRequest request, Callback<TrimResult> done) {
  auto trim = std::make_shared<TrimInProgress>();
  trim->request = std::move(request);
  trim->done = std::move(done);
  if (trim->request.max_events == 0 && trim->request.max_bytes == 0) return TrimSome(trim);
  GetStreamInfo(trim->request.stream, [this, trim](const absl::StatusOr<StreamInfo>& info) {
    if (!info.ok()) return trim->done(info.status());
    const auto excess = [](uint64_t is, uint64_t may_be) {
      return may_be > 0 && is > may_be ? is - may_be : 0;
    };
    trim->events_too_many = excess(info->events, trim->request.max_events);
    trim->bytes_too_many = excess(info->bytes, trim->request.max_bytes);
    TrimSome(trim);
  });
}

void RedisStore::TrimSome(const std::shared_ptr<TrimInProgress>& trim) {
  std::vector<std::string> arguments = {
      trim->request.min_id.ToString(),     absl::StrCat(kTrimStep),
      absl::StrCat(trim->events_too_many), absl::StrCat(trim->bytes_too_many),
      trim->request.dry_run ? "1" : "0",   trim->counted_to.empty() ? "-" : "(" + trim->counted_to};
  for (const GroupKey& group : trim->request.settled_by) arguments.push_back(group.ToString());
  Run(RedisScript::kTrim, {keys_.Log(trim->request.stream), keys_.Lost(trim->request.stream)},
      std::move(arguments), [this, trim](const absl::StatusOr<RedisReply>& reply) {
        if (!reply.ok()) return trim->done(reply.status());
        TrimResult step;
        step.entries = (*reply)[0].number();
        step.events = (*reply)[1].number();
        step.bytes = (*reply)[2].number();
        const RedisReply losses = (*reply)[4];
        for (size_t i = 0; i + 1 < losses.size(); i += 2) {
          // Groups that are not ours, made by hand for a look, lose nothing of ours.
          const absl::StatusOr<GroupKey> group = ReadGroupKey(losses[i].text());
          if (group.ok()) step.losses.push_back({*group, losses[i + 1].number()});
        }
        trim->sum.entries += step.entries;
        trim->sum.events += step.events;
        trim->sum.bytes += step.bytes;
        AddLosses(step.losses, &trim->sum.losses);
        trim->events_too_many -= std::min(trim->events_too_many, step.events);
        trim->bytes_too_many -= std::min(trim->bytes_too_many, step.bytes);
        if (trim->request.dry_run) trim->counted_to = std::string((*reply)[5].text());
        if ((*reply)[3].number() > 0) return TrimSome(trim);
        trim->done(std::move(trim->sum));
      });
}

void RedisStore::CreateGroup(CreateGroupRequest request, StatusCallback done) {
  Send(std::move(RedisCommand("XGROUP")
                     .Add("CREATE")
                     .Add(keys_.Log(request.stream))
                     .Add(request.group.ToString())
                     .Add(StartOf(request.after))),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         const bool exists = absl::StrContains(reply.status().message(), "BUSYGROUP");
         done(exists ? absl::OkStatus() : reply.status());
       });
}

}  // namespace eventbus
