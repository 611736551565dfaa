#include "tests/simulation/failing_mutants.h"

#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "server/broker/state_record.h"
#include "tests/simulation/forwarding_store.h"

namespace eventbus::simulation {
namespace {

// Leaves out a part of what state records say.
class EditStates final : public ForwardingStore {
 public:
  using Edit = void (*)(StateRecord::EventState*);
  EditStates(StreamStore* inner, Edit edit) : ForwardingStore(inner), edit_(edit) {}

  void WriteStates(std::string stream, GroupKey group, std::string consumer,
                   std::vector<EntryState> states, Callback<uint64_t> done) override {
    for (EntryState& state : states) Change(&state.record);
    inner().WriteStates(std::move(stream), std::move(group), std::move(consumer), std::move(states),
                        std::move(done));
  }
  void Release(ReleaseRequest request, StatusCallback done) override {
    for (EntryState& state : request.states) Change(&state.record);
    inner().Release(std::move(request), std::move(done));
  }
  void Bury(BuryRequest request, Callback<BuryResult> done) override {
    for (BuriedEntry& entry : request.entries) {
      if (!entry.record.empty()) Change(&entry.record);
    }
    inner().Bury(std::move(request), std::move(done));
  }

 private:
  void Change(std::string* text) const {
    absl::StatusOr<StateRecord> record = StateRecord::Decode(*text);
    if (!record.ok()) return;
    for (StateRecord::EventState& event : record->events) edit_(&event);
    *text = record->Encode();
  }

  const Edit edit_;
};

// Letters are written, and their entries stay as they were.
class BuryUnsettled final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void Bury(BuryRequest request, Callback<BuryResult> done) override {
    for (BuriedEntry& entry : request.entries) {
      absl::StatusOr<StateRecord> record = StateRecord::Decode(entry.record);
      if (record.ok()) {
        for (const NewLetter& letter : entry.letters) {
          record->events[letter.index].settled = false;
        }
      }
      // One of no events says nothing about the entry.
      entry.record = record.ok() ? record->Encode() : StateRecord().Encode();
    }
    inner().Bury(std::move(request), std::move(done));
  }
};

class BuryWithoutLetters final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void Bury(BuryRequest request, Callback<BuryResult> done) override {
    for (BuriedEntry& entry : request.entries) entry.letters.clear();
    inner().Bury(std::move(request), std::move(done));
  }
};

// Does not look whether a letter is there already.
class BuryAgain final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void Bury(BuryRequest request, Callback<BuryResult> done) override {
    for (BuriedEntry& entry : request.entries) {
      for (NewLetter& letter : entry.letters) {
        // Under another index the store takes it for another one.
        while (!written_.emplace(request.stream, request.group.ToString(), entry.id, letter.index)
                    .second) {
          letter.index += 1000;
        }
      }
    }
    inner().Bury(std::move(request), std::move(done));
  }

 private:
  std::set<std::tuple<std::string, std::string, EntryId, uint32_t>> written_;
};

class RedriveNowhere final : public ForwardingStore {
 public:
  RedriveNowhere(StreamStore* inner, uint64_t seed) : ForwardingStore(inner), random_(seed) {}

  void Redrive(std::string stream, std::string group, std::vector<EntryId> ids,
               Callback<std::vector<EntryId>> done) override {
    std::vector<EntryId> lost;
    std::erase_if(ids, [&](const EntryId& id) {
      if (random_() % 5 != 0) return false;
      lost.push_back(id);
      return true;
    });
    if (!lost.empty()) {
      inner().RemoveLetters(stream, group, std::move(lost), [](const absl::StatusOr<uint64_t>&) {});
    }
    inner().Redrive(std::move(stream), std::move(group), std::move(ids), std::move(done));
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

std::unique_ptr<StreamStore> MakeFailingMutant(Mutation mutation, StreamStore* inner,
                                               uint64_t seed) {
  switch (mutation) {
    case Mutation::kForgetAttempts:
      return std::make_unique<EditStates>(
          inner, [](StateRecord::EventState* event) { event->failed_attempts = 0; });
    case Mutation::kForgetDelays:
      return std::make_unique<EditStates>(
          inner, [](StateRecord::EventState* event) { event->due_ms = 0; });
    case Mutation::kForgetReasons:
      return std::make_unique<EditStates>(
          inner, [](StateRecord::EventState* event) { event->reasons.clear(); });
    case Mutation::kBuryUnsettled:
      return std::make_unique<BuryUnsettled>(inner);
    case Mutation::kBuryWithoutLetters:
      return std::make_unique<BuryWithoutLetters>(inner);
    case Mutation::kRedriveNowhere:
      return std::make_unique<RedriveNowhere>(inner, seed);
    case Mutation::kBuryAgain:
      return std::make_unique<BuryAgain>(inner);
    default:
      return nullptr;
  }
}

}  // namespace eventbus::simulation
