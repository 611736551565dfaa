#include "tests/simulation/mutant_store.h"

#include <map>
#include <random>
#include <utility>

#include "tests/simulation/failing_mutants.h"
#include "tests/simulation/publish_mutants.h"

namespace eventbus::simulation {
namespace {

class DropStates final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void WriteStates(std::string stream, GroupKey group, std::string, std::vector<EntryState> states,
                   Callback<uint64_t> done) override {
    const uint64_t count = states.size();
    inner().ReadStates(
        std::move(stream), std::move(group), {},
        [count, done = std::move(done)](const absl::StatusOr<std::vector<EntryState>>&) mutable {
          done(count);
        });
  }
};

class ReleaseBare final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void Release(ReleaseRequest request, StatusCallback done) override {
    // Those written before go too, as the release replaces them.
    for (EntryState& state : request.states) state.record.clear();
    inner().Release(std::move(request), std::move(done));
  }
};

class AckOnRead final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) override {
    const std::string stream = request.stream;
    const GroupKey group = request.group;
    inner().ReadGroup(std::move(request), [this, stream, group, done = std::move(done)](
                                              absl::StatusOr<ReadGroupResult> result) mutable {
      if (result.ok()) {
        std::vector<EntryId> ids;
        for (const Entry& entry : result->entries) ids.push_back(entry.id);
        inner().Ack(stream, group, std::move(ids), [](const absl::StatusOr<uint64_t>&) {});
      }
      done(std::move(result));
    });
  }
};

class AckNeighbour final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) override {
    auto key = std::pair(request.stream, request.group.ToString());
    inner().ReadGroup(std::move(request), [this, key = std::move(key), done = std::move(done)](
                                              absl::StatusOr<ReadGroupResult> result) mutable {
      if (result.ok()) {
        for (const Entry& entry : result->entries) {
          before_[key].emplace(entry.id, last_[key]);
          last_[key] = entry.id;
        }
      }
      done(std::move(result));
    });
  }
  void Ack(std::string stream, GroupKey group, std::vector<EntryId> ids,
           Callback<uint64_t> done) override {
    const auto& before = before_[{stream, group.ToString()}];
    for (EntryId& id : ids) {
      const auto found = before.find(id);
      if (found != before.end() && found->second != EntryId::Min()) id = found->second;
    }
    inner().Ack(std::move(stream), std::move(group), std::move(ids), std::move(done));
  }

 private:
  using Key = std::pair<std::string, std::string>;
  std::map<Key, EntryId> last_;
  std::map<Key, std::map<EntryId, EntryId>> before_;
};

class BirthApart final : public ForwardingStore {
 public:
  BirthApart(StreamStore* inner, Loop* loop)
      : ForwardingStore(inner), timer_(loop->CreateTimer([this] { CreateGroups(); })) {}

  void CreateStream(CreateStreamRequest request, Callback<CreateStreamResult> done) override {
    for (const GroupKey& group : request.groups) {
      late_.push_back({request.stream, group, std::nullopt});
    }
    request.groups.clear();
    inner().CreateStream(
        std::move(request),
        [this, done = std::move(done)](absl::StatusOr<CreateStreamResult> result) mutable {
          if (!timer_->armed()) timer_->Arm(absl::Milliseconds(2));
          done(std::move(result));
        });
  }

 private:
  void CreateGroups() {
    for (CreateGroupRequest& request : std::exchange(late_, {})) {
      inner().CreateGroup(std::move(request), [](const absl::Status&) {});
    }
  }

  std::vector<CreateGroupRequest> late_;
  std::unique_ptr<Timer> timer_;
};

class HidePending final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void ReadPending(ReadPendingRequest request, Callback<std::vector<PendingEntry>> done) override {
    inner().ReadPending(
        std::move(request),
        [done = std::move(done)](const absl::StatusOr<std::vector<PendingEntry>>&) mutable {
          done(std::vector<PendingEntry>());
        });
  }
};

class AppendSometimes final : public ForwardingStore {
 public:
  AppendSometimes(StreamStore* inner, Mutation mutation, uint64_t seed)
      : ForwardingStore(inner), mutation_(mutation), random_(seed) {}

  void Append(AppendRequest request, Callback<EntryId> done) override {
    if (mutation_ == Mutation::kAppendTwice) {
      if (random_() % 100 == 0) {
        AppendRequest again = request;
        inner().Append(std::move(again), [](const absl::StatusOr<EntryId>&) {});
      }
    } else if (random_() % 500 == 0) {
      // The id that it would have had.
      return inner().GetStreamInfo(
          std::move(request.stream),
          [done = std::move(done)](const absl::StatusOr<StreamInfo>& info) mutable {
            if (!info.ok()) return done(info.status());
            done(EntryId{info->last.ms, info->last.seq + 1'000'000});
          });
    }
    inner().Append(std::move(request), std::move(done));
  }

 private:
  const Mutation mutation_;
  std::mt19937_64 random_;
};

class IgnoreFences final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void AcquireLease(LeaseRequest request, Callback<LeaseResult> done) override {
    const std::string owner = request.owner;
    inner().AcquireLease(std::move(request), [owner, done = std::move(done)](
                                                 absl::StatusOr<LeaseResult> lease) mutable {
      if (lease.ok()) lease->owner = owner;
      done(std::move(lease));
    });
  }
  void ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) override {
    request.fence = 0;
    inner().ReadGroup(std::move(request), std::move(done));
  }
  void Claim(ClaimRequest request, Callback<ClaimResult> done) override {
    request.fence = 0;
    inner().Claim(std::move(request), std::move(done));
  }
};

class HideConsumers final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void ListConsumers(std::string stream, GroupKey group,
                     Callback<std::vector<ConsumerInfo>> done) override {
    inner().ListConsumers(
        std::move(stream), std::move(group),
        [done = std::move(done)](const absl::StatusOr<std::vector<ConsumerInfo>>&) mutable {
          done(std::vector<ConsumerInfo>());
        });
  }
};

class StaleGroups final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void ListGroups(Callback<std::vector<GroupRecord>> done) override {
    inner().ListGroups(
        [this, done = std::move(done)](absl::StatusOr<std::vector<GroupRecord>> groups) mutable {
          if (groups.ok()) {
            for (GroupRecord& group : *groups) {
              const GroupRecord now = group;
              const auto before = before_.find(group.name);
              if (before != before_.end()) group = before->second;
              before_[now.name] = now;
            }
          }
          done(std::move(groups));
        });
  }

 private:
  std::map<std::string, GroupRecord> before_;
};

class SeekTooFar final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void CreateGroup(CreateGroupRequest request, StatusCallback done) override {
    // Those of ephemeral groups, which nobody seeks, begin higher.
    constexpr uint64_t kMostSeeks = 10'000;
    const bool sought = request.group.generation > 1 && request.group.generation < kMostSeeks &&
                        request.after.has_value();
    if (!sought) return inner().CreateGroup(std::move(request), std::move(done));
    ReadRangeRequest first;
    first.stream = request.stream;
    first.from = *request.after;
    first.max_entries = 1;
    inner().ReadRange(std::move(first),
                      [this, request = std::move(request), done = std::move(done)](
                          const absl::StatusOr<std::vector<Entry>>& entries) mutable {
                        if (entries.ok() && !entries->empty()) request.after = entries->front().id;
                        inner().CreateGroup(std::move(request), std::move(done));
                      });
  }
};

class NoClaims final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void Claim(ClaimRequest request, Callback<ClaimResult> done) override {
    inner().ReadStates(
        std::move(request.stream), std::move(request.group), {},
        [done = std::move(done)](const absl::StatusOr<std::vector<EntryState>>&) mutable {
          done(ClaimResult());
        });
  }
};

class SkipEntry final : public ForwardingStore {
 public:
  SkipEntry(StreamStore* inner, uint64_t seed) : ForwardingStore(inner), random_(seed) {}

  void ReadRange(ReadRangeRequest request, Callback<std::vector<Entry>> done) override {
    const bool skip = random_() % 50 == 0;
    inner().ReadRange(std::move(request), [skip, done = std::move(done)](
                                              absl::StatusOr<std::vector<Entry>> entries) mutable {
      if (skip && entries.ok() && entries->size() > 1) entries->erase(entries->begin());
      done(std::move(entries));
    });
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

absl::string_view NameOf(Mutation mutation) {
  switch (mutation) {
    case Mutation::kNone:
      return "none";
    case Mutation::kDropStates:
      return "drop-states";
    case Mutation::kAckOnRead:
      return "ack-on-read";
    case Mutation::kAckNeighbour:
      return "ack-neighbour";
    case Mutation::kBirthApart:
      return "birth-apart";
    case Mutation::kHidePending:
      return "hide-pending";
    case Mutation::kAppendNothing:
      return "append-nothing";
    case Mutation::kAppendTwice:
      return "append-twice";
    case Mutation::kNoClaims:
      return "no-claims";
    case Mutation::kSkipEntry:
      return "skip-entry";
    case Mutation::kReleaseBare:
      return "release-bare";
    case Mutation::kForgetAttempts:
      return "forget-attempts";
    case Mutation::kForgetDelays:
      return "forget-delays";
    case Mutation::kForgetReasons:
      return "forget-reasons";
    case Mutation::kBuryUnsettled:
      return "bury-unsettled";
    case Mutation::kBuryWithoutLetters:
      return "bury-without-letters";
    case Mutation::kBuryAgain:
      return "bury-again";
    case Mutation::kForgetKeys:
      return "forget-keys";
    case Mutation::kEarlyDelivery:
      return "early-delivery";
    case Mutation::kHalfBatch:
      return "half-batch";
    case Mutation::kIgnoreFences:
      return "ignore-fences";
    case Mutation::kHideConsumers:
      return "hide-consumers";
    case Mutation::kStaleGroups:
      return "stale-groups";
    case Mutation::kRedriveNowhere:
      return "redrive-nowhere";
    case Mutation::kSeekTooFar:
      return "seek-too-far";
  }
  return "";
}

const std::vector<Mutation>& AllMutations() {
  static const auto* const kAll = new std::vector<Mutation>{
      Mutation::kDropStates,    Mutation::kAckOnRead,      Mutation::kAckNeighbour,
      Mutation::kBirthApart,    Mutation::kHidePending,    Mutation::kAppendNothing,
      Mutation::kAppendTwice,   Mutation::kNoClaims,       Mutation::kSkipEntry,
      Mutation::kReleaseBare,   Mutation::kForgetAttempts, Mutation::kForgetDelays,
      Mutation::kForgetReasons, Mutation::kBuryUnsettled,  Mutation::kBuryWithoutLetters,
      Mutation::kBuryAgain,     Mutation::kForgetKeys,     Mutation::kEarlyDelivery,
      Mutation::kHalfBatch,     Mutation::kIgnoreFences,   Mutation::kHideConsumers,
      Mutation::kStaleGroups,   Mutation::kRedriveNowhere, Mutation::kSeekTooFar};
  return *kAll;
}

std::unique_ptr<StreamStore> MakeMutantStore(Mutation mutation, StreamStore* inner, Loop* loop,
                                             uint64_t seed) {
  switch (mutation) {
    case Mutation::kNone:
      return std::make_unique<ForwardingStore>(inner);
    case Mutation::kDropStates:
      return std::make_unique<DropStates>(inner);
    case Mutation::kAckOnRead:
      return std::make_unique<AckOnRead>(inner);
    case Mutation::kAckNeighbour:
      return std::make_unique<AckNeighbour>(inner);
    case Mutation::kBirthApart:
      return std::make_unique<BirthApart>(inner, loop);
    case Mutation::kHidePending:
      return std::make_unique<HidePending>(inner);
    case Mutation::kAppendNothing:
    case Mutation::kAppendTwice:
      return std::make_unique<AppendSometimes>(inner, mutation, seed);
    case Mutation::kNoClaims:
      return std::make_unique<NoClaims>(inner);
    case Mutation::kSkipEntry:
      return std::make_unique<SkipEntry>(inner, seed);
    case Mutation::kReleaseBare:
      return std::make_unique<ReleaseBare>(inner);
    case Mutation::kForgetAttempts:
    case Mutation::kForgetDelays:
    case Mutation::kForgetReasons:
    case Mutation::kBuryUnsettled:
    case Mutation::kBuryWithoutLetters:
    case Mutation::kBuryAgain:
    case Mutation::kRedriveNowhere:
      return MakeFailingMutant(mutation, inner, seed);
    case Mutation::kForgetKeys:
    case Mutation::kEarlyDelivery:
    case Mutation::kHalfBatch:
      return MakePublishMutant(mutation, inner, seed);
    case Mutation::kIgnoreFences:
      return std::make_unique<IgnoreFences>(inner);
    case Mutation::kHideConsumers:
      return std::make_unique<HideConsumers>(inner);
    case Mutation::kStaleGroups:
      return std::make_unique<StaleGroups>(inner);
    case Mutation::kSeekTooFar:
      return std::make_unique<SeekTooFar>(inner);
  }
  return nullptr;
}

}  // namespace eventbus::simulation
