// RedisStore: appending what is not there yet.
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// Of append_once.lua.
absl::StatusOr<AppendOnceResult> ReadOutcomes(RedisReply reply) {
  EntryId appended;
  if (!reply[0].text().empty()) {
    const absl::StatusOr<EntryId> id = ReadEntryId(reply[0]);
    if (!id.ok()) return id.status();
    appended = *id;
  }
  AppendOnceResult result;
  result.events.reserve(reply.size());
  for (size_t i = 1; i < reply.size(); ++i) {
    if (reply[i].is_integer()) {
      result.events.push_back({{appended, static_cast<uint32_t>(reply[i].number())}, false});
      continue;
    }
    const absl::StatusOr<Position> position = Position::Parse(reply[i].text());
    if (!position.ok()) return absl::InternalError(position.status().message());
    result.events.push_back({*position, true});
  }
  return result;
}

}  // namespace

void RedisStore::AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) {
  if (absl::Status room = CheckRoom(); !room.ok()) {
    return AnswerSoon<AppendOnceResult>(std::move(done), std::move(room));
  }
  std::vector<std::string> arguments = {absl::StrCat(absl::ToInt64Milliseconds(request.window)),
                                        absl::StrCat(kMostRememberedKeys)};
  arguments.reserve(2 + 2 * request.events.size());
  size_t offset = 0;
  for (OnceEvent& event : request.events) {
    arguments.push_back(std::move(event.key));
    arguments.emplace_back(request.value.view().substr(offset, event.size));
    offset += event.size;
  }
  AppendSignal().advanced.insert(request.stream);
  RunWrite(RedisScript::kAppendOnce,
           {keys_.Log(request.stream), keys_.Seen(request.stream), keys_.SeenOrder(request.stream)},
           std::move(arguments),
           [done = Replicated(std::move(done))](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             done(ReadOutcomes(*reply));
           });
}

}  // namespace eventbus
