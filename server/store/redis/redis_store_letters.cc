// RedisStore: dead letters.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// Letters in one script: Lua's stack ends somewhere, and Redis serves nobody meanwhile.
constexpr size_t kMostLettersAtOnce = 500;

uint64_t MillisecondsOf(absl::Duration ttl) {
  return ttl == absl::InfiniteDuration()
             ? 0
             : static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Milliseconds(ttl), 1));
}

}  // namespace

void RedisStore::Bury(BuryRequest request, Callback<BuryResult> done) {
  const std::string state = keys_.State(request.stream, request.group);
  std::vector<std::string> arguments = {request.group.ToString(), std::move(request.consumer),
                                        absl::StrCat(MillisecondsOf(request.bounds.ttl)),
                                        absl::StrCat(request.bounds.max_letters)};
  std::vector<EntryId> ended;
  for (BuriedEntry& entry : request.entries) {
    if (entry.record.empty()) {
      ended.push_back(entry.id);
    } else {
      // Noted before it is certain: an ack that follows must not leave anything behind.
      NoteState(state, entry.id);
    }
    arguments.push_back(entry.id.ToString());
    arguments.push_back(std::move(entry.record));
    arguments.push_back(absl::StrCat(entry.letters.size()));
    for (NewLetter& letter : entry.letters) {
      arguments.push_back(absl::StrCat(letter.index));
      arguments.emplace_back(letter.event.view());
      arguments.push_back(std::move(letter.details));
    }
  }
  const std::vector<std::string> keys = {keys_.Log(request.stream), state,
                                         keys_.Dead(request.stream, request.group.name)};
  Run(RedisScript::kBury, keys, std::move(arguments),
      [this, state, ended = std::move(ended),
       done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        ForgetStates(state, ended);
        done(BuryResult{(*reply)[0].number(), (*reply)[1].number()});
      });
}

void RedisStore::ReadLetters(ReadLettersRequest request, Callback<std::vector<StoredLetter>> done) {
  Send(std::move(RedisCommand("XRANGE")
                     .Add(keys_.Dead(request.stream, request.group))
                     .Add(request.from.ToString())
                     .Add("+")
                     .Add("COUNT")
                     .Add(uint64_t{request.max_letters})),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         done(ReadStoredLetters(*reply));
       });
}

void RedisStore::CountLetters(std::string stream, std::string group, Callback<uint64_t> done) {
  Send(std::move(RedisCommand("XLEN").Add(keys_.Dead(stream, group))),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         done(reply->number());
       });
}

void RedisStore::RemoveLetters(std::string stream, std::string group, std::vector<EntryId> ids,
                               Callback<uint64_t> done) {
  if (ids.empty()) return CountNone(std::move(done));
  RedisCommand command("XDEL", ids.size() * 32);
  command.Add(keys_.Dead(stream, group));
  for (const EntryId& id : ids) command.Add(id.ToString());
  Send(std::move(command),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         done(reply->number());
       });
}

void RedisStore::CountNone(Callback<uint64_t> done) {
  loop_->Post([self = self_, done = std::move(done)]() mutable {
    if (*self != nullptr) done(uint64_t{0});
  });
}

void RedisStore::Redrive(std::string stream, std::string group, std::vector<EntryId> ids,
                         Callback<std::vector<EntryId>> done) {
  if (ids.size() > kMostLettersAtOnce) ids.resize(kMostLettersAtOnce);
  const std::string side = SideStreamOf(stream, group);
  std::vector<std::string> arguments = {SideGroupOf(group).ToString()};
  for (const EntryId& id : ids) arguments.push_back(id.ToString());
  Run(RedisScript::kRedrive, {keys_.Dead(stream, group), keys_.Log(side)}, std::move(arguments),
      [this, side, done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        std::vector<EntryId> moved;
        for (size_t i = 0; i < reply->size(); ++i) {
          const absl::StatusOr<EntryId> id = ReadEntryId((*reply)[i]);
          if (id.ok()) moved.push_back(*id);
        }
        if (!moved.empty()) Signal().advanced.insert(side);
        done(std::move(moved));
      });
}

void RedisStore::DropLetters(std::string stream, std::string group, StatusCallback done) {
  const std::string side = SideStreamOf(stream, group);
  Send(std::move(RedisCommand("DEL")
                     .Add(keys_.Dead(stream, group))
                     .Add(keys_.Log(side))
                     .Add(keys_.State(side, SideGroupOf(group)))),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         done(reply.status());
       });
}

}  // namespace eventbus
