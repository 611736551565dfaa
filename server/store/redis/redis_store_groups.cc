// RedisStore: groups on a stream, and what is pending of them.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_signals.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// Arguments of one command: Lua's stack ends somewhere, and Redis serves nobody meanwhile.
constexpr size_t kMostIds = 1'000;
std::vector<std::string> Texts(const std::vector<EntryId>& ids) {
  std::vector<std::string> texts;
  texts.reserve(ids.size());
  for (const EntryId& id : ids) texts.push_back(id.ToString());
  return texts;
}

// XACK; `arguments` are the group and the ids.
RedisCommand PlainAck(const std::string& log, const std::vector<std::string>& arguments) {
  RedisCommand command("XACK", arguments.size() * 32);
  command.Add(log);
  for (const std::string& argument : arguments) command.Add(argument);
  return command;
}

void AddStates(const std::vector<EntryState>& states, std::vector<std::string>* arguments) {
  for (const EntryState& state : states) {
    arguments->push_back(state.id.ToString());
    arguments->push_back(state.record);
  }
}

}  // namespace

void RedisStore::DestroyGroup(std::string stream, GroupKey group, StatusCallback done) {
  const std::string state = keys_.State(stream, group);
  states_.erase(state);
  Run(RedisScript::kDestroyGroup, {keys_.Log(stream), state}, {group.ToString()},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        done(reply.status());
      });
}

void RedisStore::ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) {
  Answer answer = [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
    if (!reply.ok()) return done(reply.status());
    absl::StatusOr<std::vector<Entry>> entries = ReadEntriesOfGroup(*reply);
    if (!entries.ok()) return done(entries.status());
    done(ReadGroupResult{*std::move(entries)});
  };
  if (request.fence != 0) {
    return Run(RedisScript::kReadFenced,
               {keys_.Log(request.stream), keys_.Lease(request.stream, request.group.name)},
               {request.group.ToString(), request.consumer, absl::StrCat(request.fence),
                absl::StrCat(request.max_entries)},
               std::move(answer));
  }
  Send(std::move(RedisCommand("XREADGROUP")
                     .Add("GROUP")
                     .Add(request.group.ToString())
                     .Add(request.consumer)
                     .Add("COUNT")
                     .Add(uint64_t{request.max_entries})
                     .Add("STREAMS")
                     .Add(keys_.Log(request.stream))
                     .Add(">")),
       std::move(answer));
}

void RedisStore::ReadPending(ReadPendingRequest request, Callback<std::vector<PendingEntry>> done) {
  RedisCommand command("XPENDING");
  command.Add(keys_.Log(request.stream))
      .Add(request.group.ToString())
      .Add(request.after == EntryId::Min() ? "-" : "(" + request.after.ToString())
      .Add("+")
      .Add(uint64_t{request.max_entries});
  if (!request.consumer.empty()) command.Add(request.consumer);
  Send(std::move(command),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         done(ReadPendingEntries(*reply));
       });
}

void RedisStore::ForgetStates(const std::string& key, const std::vector<EntryId>& ids) {
  const auto known = states_.find(key);
  if (known == states_.end()) return;
  for (const EntryId& id : ids) known->second.erase(id);
  if (known->second.empty()) states_.erase(known);
}

void RedisStore::Ack(std::string stream, GroupKey group, std::vector<EntryId> ids,
                     Callback<uint64_t> done) {
  struct Progress {
    uint64_t acked = 0;
    size_t open = 0;
    absl::Status status;
    Callback<uint64_t> done;
  };
  auto progress = std::make_shared<Progress>();
  progress->done = std::move(done);
  const std::string log = keys_.Log(stream);
  const std::string state = keys_.State(stream, group);
  const auto known = states_.find(state);
  const auto has_state = [&](EntryId id) {
    return known != states_.end() && known->second.contains(id);
  };
  const auto with_states =
      std::partition(ids.begin(), ids.end(), [&](EntryId id) { return !has_state(id); });
  const auto send = [&](auto begin, auto end, bool has_states) {
    while (begin != end) {
      const auto stop = begin + std::min<ptrdiff_t>(end - begin, kMostIds);
      const std::vector<EntryId> part(begin, stop);
      begin = stop;
      ++progress->open;
      Answer answer = [this, progress, state, part,
                       has_states](const absl::StatusOr<RedisReply>& reply) {
        if (reply.ok()) {
          progress->acked += reply->number();
          if (has_states) ForgetStates(state, part);
        } else if (!absl::IsNotFound(reply.status())) {
          progress->status.Update(reply.status());
        }
        if (--progress->open > 0) return;
        if (!progress->status.ok()) return progress->done(progress->status);
        progress->done(progress->acked);
      };
      std::vector<std::string> arguments = Texts(part);
      arguments.insert(arguments.begin(), group.ToString());
      if (has_states) {
        Run(RedisScript::kAckWithStates, {log, state}, std::move(arguments), std::move(answer));
        continue;
      }
      Send(PlainAck(log, arguments), std::move(answer));
    }
  };
  send(ids.begin(), with_states, false);
  send(with_states, ids.end(), true);
  if (progress->open > 0) return;
  CountNone(std::move(progress->done));
}

void RedisStore::WriteStates(std::string stream, GroupKey group, std::string consumer,
                             std::vector<EntryState> states, Callback<uint64_t> done) {
  const std::string key = keys_.State(stream, group);
  std::vector<std::string> arguments = {group.ToString(), std::move(consumer)};
  AddStates(states, &arguments);
  // Noted before it is certain: an ack that follows must not leave a record behind.
  for (const EntryState& state : states) NoteState(key, state.id);
  Run(RedisScript::kWriteStates, {keys_.Log(stream), key}, std::move(arguments),
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        done(reply->number());
      });
}

void RedisStore::ReadStates(std::string stream, GroupKey group, std::vector<EntryId> ids,
                            Callback<std::vector<EntryState>> done) {
  const std::string key = keys_.State(stream, group);
  std::vector<std::string> arguments = {group.ToString(), absl::StrCat(kMaxMailOfAnswer)};
  for (std::string& id : Texts(ids)) arguments.push_back(std::move(id));
  Run(RedisScript::kReadStates, {keys_.Log(stream), key}, std::move(arguments),
      [this, key, ids = std::move(ids),
       done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        std::vector<EntryState> states;
        for (size_t i = 0; i < ids.size(); ++i) {
          const RedisReply record = (*reply)[2 * i];
          const RedisReply mail = (*reply)[2 * i + 1];
          if (record.is_nil() && mail.is_nil()) continue;
          NoteState(key, ids[i]);
          const bool left_out = mail.is_integer();
          states.push_back({ids[i], std::string(record.text()),
                            std::string(left_out ? absl::string_view() : mail.text()), left_out});
        }
        done(std::move(states));
      });
}

void RedisStore::Claim(ClaimRequest request, Callback<ClaimResult> done) {
  const std::string key = keys_.State(request.stream, request.group);
  std::vector<std::string> keys = {keys_.Log(request.stream), key};
  std::vector<std::string> arguments = {request.group.ToString(), request.from, request.to,
                                        absl::StrCat(request.max_entries),
                                        absl::StrCat(kMaxMailOfAnswer)};
  if (request.fence != 0) {
    keys.push_back(keys_.Lease(request.stream, request.group.name));
    arguments.push_back(absl::StrCat(request.fence));
  }
  Run(RedisScript::kClaim, std::move(keys), std::move(arguments),
      [this, key, done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        absl::StatusOr<ClaimResult> result = ReadClaim(*reply);
        if (result.ok()) {
          for (const ClaimedEntry& claimed : result->entries) {
            if (claimed.record.empty() && claimed.mail.empty()) continue;
            NoteState(key, claimed.entry.id);
          }
        }
        done(std::move(result));
      });
}

void RedisStore::Release(ReleaseRequest request, StatusCallback done) {
  const std::string key = keys_.State(request.stream, request.group);
  std::vector<std::string> arguments = {request.group.ToString(), request.consumer,
                                        kReleasedConsumer, absl::StrCat(request.ids.size())};
  for (std::string& id : Texts(request.ids)) arguments.push_back(std::move(id));
  AddStates(request.states, &arguments);
  ForgetStates(key, request.ids);
  Run(RedisScript::kRelease, {keys_.Log(request.stream), key}, std::move(arguments),
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        done(reply.status());
      });
  Signal().released.emplace(std::move(request.stream), std::move(request.group));
}

void RedisStore::AcquireLease(LeaseRequest request, Callback<LeaseResult> done) {
  Run(RedisScript::kAcquireLease,
      {keys_.Log(request.stream), keys_.Lease(request.stream, request.group)},
      {request.owner, request.gone},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        done(ReadLease(*reply));
      });
}

void RedisStore::ReleaseLease(std::string stream, GroupKey group, std::string owner,
                              StatusCallback done) {
  Run(RedisScript::kReleaseLease, {keys_.Log(stream), keys_.Lease(stream, group.name)},
      {std::move(owner)},
      [this, stream, group,
       done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (reply.ok() && reply->number() > 0) {
          Signal().released.emplace(std::move(stream), std::move(group));
        }
        done(reply.status());
      });
}

void RedisStore::WishForLease(LeaseWish wish) { Signal().wishes.insert(std::move(wish)); }

void RedisStore::LeaveMail(LeaveMailRequest request, Callback<std::vector<MailOutcome>> done) {
  std::vector<std::string> arguments = {request.group.ToString(), absl::StrCat(kMaxMailBytes)};
  for (Mail& mail : request.mail) {
    arguments.push_back(mail.id.ToString());
    arguments.push_back(std::move(mail.text));
  }
  std::vector<std::string> keys = {keys_.Log(request.stream),
                                   keys_.State(request.stream, request.group)};
  Run(RedisScript::kLeaveMail, std::move(keys), std::move(arguments),
      [this, request = std::move(request),
       done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        RedisSignal left;
        std::vector<MailOutcome> outcomes;
        for (size_t i = 0; i < request.mail.size(); ++i) {
          const RedisReply answer = (*reply)[i];
          if (answer.is_integer()) {
            outcomes.push_back(MailOutcome::kFull);
          } else if (answer.text().empty()) {
            outcomes.push_back(MailOutcome::kNotPending);
          } else {
            outcomes.push_back(MailOutcome::kLeft);
            left.mail.insert(
                {request.stream, request.group, request.mail[i].id, std::string(answer.text())});
          }
        }
        if (!left.mail.empty()) Signal().mail.insert(left.mail.begin(), left.mail.end());
        // The store may go away when this is answered.
        const std::shared_ptr<RedisStore*> self = self_;
        done(std::move(outcomes));
        // Its own signals it does not hear.
        if (*self != nullptr) (*self)->Tell(left);
      });
}

void RedisStore::DropMail(std::string stream, GroupKey group, std::string consumer,
                          std::vector<EntryId> ids) {
  const std::string key = keys_.State(stream, group);
  // An ack that has not left yet must not leave the mail behind.
  for (const EntryId& id : ids) NoteState(key, id);
  std::vector<std::string> arguments = {group.ToString(), std::move(consumer)};
  for (std::string& id : Texts(ids)) arguments.push_back(std::move(id));
  Run(RedisScript::kDropMail, {keys_.Log(stream), key}, std::move(arguments),
      [this, key, ids = std::move(ids)](const absl::StatusOr<RedisReply>& reply) {
        if (!reply.ok()) return;
        std::vector<EntryId> not_ours;
        for (size_t i = 0; i < ids.size(); ++i) {
          if ((*reply)[i].number() == 0) not_ours.push_back(ids[i]);
        }
        ForgetStates(key, not_ours);
      });
}

void RedisStore::ListConsumers(std::string stream, GroupKey group,
                               Callback<std::vector<ConsumerInfo>> done) {
  Send(std::move(
           RedisCommand("XINFO").Add("CONSUMERS").Add(keys_.Log(stream)).Add(group.ToString())),
       [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
         if (!reply.ok()) return done(reply.status());
         done(ReadConsumers(*reply));
       });
}

void RedisStore::RemoveConsumer(std::string stream, GroupKey group, std::string consumer,
                                Callback<bool> done) {
  Run(RedisScript::kRemoveConsumer, {keys_.Log(stream)}, {group.ToString(), std::move(consumer)},
      [done = std::move(done)](const absl::StatusOr<RedisReply>& reply) mutable {
        if (!reply.ok()) return done(reply.status());
        done(reply->number() > 0);
      });
}

}  // namespace eventbus
