// RedisStore: what operators ask.
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// How many unread entries, and how many pending ones, are counted one by one. Redis reads them with
// their events, up to 256 KiB each; the unread ones for every group and stream in each sweep.
constexpr size_t kMostCounted = 16;

}  // namespace

void RedisStore::GetGroupInfo(GroupInfoRequest request, Callback<GroupInfo> done) {
  Run(RedisScript::kGroupInfo, {keys_.Log(request.stream), keys_.Lost(request.stream)},
      {request.group.ToString(), request.group.name, absl::StrCat(kMostCounted),
       absl::StrCat(request.count_pending ? kMostCounted : 0)},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        done(ReadGroupInfo(*reply));
      });
}

void RedisStore::ListStates(std::string stream, GroupKey group, uint32_t max_states,
                            Callback<std::vector<EntryState>> done) {
  Run(RedisScript::kListStates, {keys_.Log(stream), keys_.State(stream, group)},
      {group.ToString(), absl::StrCat(max_states)},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        done(ReadStateList(*reply));
      });
}

void RedisStore::RemoveGroup(std::string stream, std::string group, uint64_t up_to_generation,
                             StatusCallback done) {
  const std::string side = SideStreamOf(stream, group);
  std::vector<std::string> keys = {keys_.Log(stream),
                                   keys_.Lost(stream),
                                   keys_.Dead(stream, group),
                                   keys_.Log(side),
                                   keys_.State(side, SideGroupOf(group)),
                                   keys_.Lease(stream, group)};
  std::vector<std::string> arguments = {std::move(group), keys_.States(stream),
                                        absl::StrCat(up_to_generation)};
  Run(RedisScript::kRemoveGroup, std::move(keys), std::move(arguments),
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        done(reply.status());
      });
}

void RedisStore::UnregisterType(std::string stream, StatusCallback done) {
  Callback<bool> replicated =
      Replicated<bool>([done = std::move(done)](const absl::StatusOr<bool>& result) mutable {
        done(result.status());
      });
  RunWrite(RedisScript::kUnregisterType, {keys_.Types(), keys_.Signals(), keys_.Due()},
           {std::move(stream), sender_, absl::StrCat(options_.max_signals)},
           [done = std::move(replicated)](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             done(true);
           });
}

void RedisStore::DeleteStream(std::string stream, std::vector<std::string> groups,
                              StatusCallback done) {
  std::vector<std::string> keys = {keys_.Log(stream)};
  for (std::string& key : keys_.OthersOf(stream)) keys.push_back(std::move(key));
  for (const std::string& group : groups) {
    const std::string side = SideStreamOf(stream, group);
    keys.push_back(keys_.Dead(stream, group));
    keys.push_back(keys_.Log(side));
    keys.push_back(keys_.State(side, SideGroupOf(group)));
    keys.push_back(keys_.Lease(stream, group));
  }
  // Behind the appends that were made before.
  RunWrite(RedisScript::kDeleteStream, std::move(keys), {keys_.States(stream)},
           [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
             done(reply.status());
           });
}

void RedisStore::PutStats(InstanceStats stats, StatusCallback done) {
  Send(std::move(RedisCommand("HSET").Add(keys_.Stats()).Add(stats.incarnation).Add(stats.stats)),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         done(reply.status());
       });
}

void RedisStore::ListStats(Callback<std::vector<InstanceStats>> done) {
  Send(std::move(RedisCommand("HGETALL").Add(keys_.Stats())),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         std::vector<InstanceStats> all;
         for (size_t i = 0; i + 1 < reply->size(); i += 2) {
           all.push_back({std::string((*reply)[i].text()), std::string((*reply)[i + 1].text())});
         }
         done(std::move(all));
       });
}

}  // namespace eventbus
