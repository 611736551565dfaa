// RedisStore: the registry of types, groups and instances.
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {

void RedisStore::RegisterType(std::string stream, uint64_t max_types,
                              Callback<TypeRegistration> done) {
  std::vector<std::string> arguments = {stream, absl::StrCat(max_types), sender_,
                                        absl::StrCat(options_.max_signals)};
  RunWrite(RedisScript::kRegisterType,
           {keys_.Types(), keys_.Groups(), keys_.Stamp(), keys_.Signals()}, std::move(arguments),
           [stream = std::move(stream),
            done = Replicated(std::move(done))](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             absl::StatusOr<std::vector<GroupRecord>> groups = ReadGroups((*reply)[2]);
             if (!groups.ok()) return done(groups.status());
             absl::StatusOr<TypeRecord> type = ReadTypeRecord(stream, (*reply)[1].text());
             if (!type.ok()) return done(type.status());
             TypeRegistration registration;
             registration.created = (*reply)[0].number() > 0;
             registration.type = *std::move(type);
             registration.groups = *std::move(groups);
             done(std::move(registration));
           });
}

void RedisStore::ListTypes(Callback<std::vector<TypeRecord>> done) {
  Send(std::move(RedisCommand("HGETALL").Add(keys_.Types())),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         done(ReadTypes(*reply));
       });
}

void RedisStore::RegisterGroup(std::string name, std::string definition, uint64_t max_groups,
                               Callback<GroupRegistration> done) {
  std::vector<std::string> arguments = {name, std::move(definition), absl::StrCat(max_groups),
                                        sender_, absl::StrCat(options_.max_signals)};
  RunWrite(
      RedisScript::kRegisterGroup, {keys_.Types(), keys_.Groups(), keys_.Stamp(), keys_.Signals()},
      std::move(arguments),
      [name = std::move(name),
       done = Replicated(std::move(done))](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        absl::StatusOr<GroupRecord> group = ReadGroupRecord(name, (*reply)[1].text());
        if (!group.ok()) return done(group.status());
        absl::StatusOr<std::vector<TypeRecord>> types = ReadTypes((*reply)[2]);
        if (!types.ok()) return done(types.status());
        done(GroupRegistration{*std::move(group), (*reply)[0].number() > 0, *std::move(types)});
      });
}

void RedisStore::UpdateGroup(GroupRecord changed, uint64_t expected_version,
                             Callback<GroupRecord> done) {
  std::vector<std::string> arguments = {changed.name,
                                        absl::StrCat(expected_version),
                                        absl::StrCat(changed.generation),
                                        std::move(changed.definition),
                                        sender_,
                                        absl::StrCat(options_.max_signals)};
  RunWrite(RedisScript::kUpdateGroup, {keys_.Groups(), keys_.Signals()}, std::move(arguments),
           [name = std::move(changed.name),
            done = Replicated(std::move(done))](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             done(ReadGroupRecord(name, reply->text()));
           });
}

void RedisStore::UnregisterGroup(std::string name, uint64_t expected_version, StatusCallback done) {
  Callback<bool> replicated =
      Replicated<bool>([done = std::move(done)](const absl::StatusOr<bool>& result) mutable {
        done(result.status());
      });
  RunWrite(RedisScript::kUnregisterGroup, {keys_.Groups(), keys_.Signals()},
           {std::move(name), absl::StrCat(expected_version), sender_,
            absl::StrCat(options_.max_signals)},
           [done = std::move(replicated)](const absl::StatusOr<RedisReply>& reply) mutable {
             if (!reply.ok()) return done(reply.status());
             done(true);
           });
}

void RedisStore::ListGroups(Callback<std::vector<GroupRecord>> done) {
  Send(std::move(RedisCommand("HGETALL").Add(keys_.Groups())),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         done(ReadGroups(*reply));
       });
}

void RedisStore::Heartbeat(HeartbeatRequest request, Callback<HeartbeatResult> done) {
  Run(RedisScript::kHeartbeat, {keys_.Instances(), keys_.Signals()},
      {std::move(request.incarnation), std::move(request.report), sender_,
       absl::StrCat(options_.max_signals)},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        done(ReadHeartbeat(*reply));
      });
}

void RedisStore::SetAudience(bool others) {
  // Behind the appends that it stands for.
  if (others && !audience_) AppendSignal().look_at_everything = true;
  audience_ = others;
}

void RedisStore::Leave(std::string incarnation, StatusCallback done) {
  Run(RedisScript::kLeave, {keys_.Instances(), keys_.Signals()},
      {std::move(incarnation), sender_, absl::StrCat(options_.max_signals)},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        done(reply.status());
      });
}

void RedisStore::ForgetInstance(std::string incarnation, StatusCallback done) {
  Send(std::move(RedisCommand("HDEL").Add(keys_.Stats()).Add(incarnation)),
       [](const absl::StatusOr<RedisReply>&) {});
  Send(std::move(RedisCommand("HDEL").Add(keys_.Instances()).Add(incarnation)),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         done(reply.status());
       });
}

}  // namespace eventbus
