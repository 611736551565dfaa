#include "tests/simulation/publish_mutants.h"

#include <random>
#include <utility>
#include <vector>

#include "server/broker/entry_reader.h"
#include "tests/simulation/forwarding_store.h"

namespace eventbus::simulation {
namespace {

class ForgetKeys final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) override {
    for (OnceEvent& event : request.events) event.key.clear();
    inner().AppendOnce(std::move(request), std::move(done));
  }
};

class EarlyDelivery final : public ForwardingStore {
 public:
  EarlyDelivery(StreamStore* inner, uint64_t seed) : ForwardingStore(inner), random_(seed) {}

  void AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) override {
    if (random_() % 10 == 0) {
      for (OnceEvent& event : request.events) event.delay.reset();
    }
    inner().AppendOnce(std::move(request), std::move(done));
  }

 private:
  std::mt19937_64 random_;
};

class HalfBatch final : public ForwardingStore {
 public:
  HalfBatch(StreamStore* inner, uint64_t seed) : ForwardingStore(inner), random_(seed) {}

  void Append(AppendRequest request, Callback<EntryId> done) override {
    if (request.event_count < 2 || random_() % 10 != 0) {
      return inner().Append(std::move(request), std::move(done));
    }
    std::vector<uint32_t> offsets;
    if (!IndexEvents(request.value.view(), &offsets).ok()) return;
    const uint32_t half = request.event_count / 2;
    request.value = request.value.Slice(0, offsets[half]);
    request.event_count = half;
    inner().Append(std::move(request),
                   [done = std::move(done)](const absl::StatusOr<EntryId>& id) mutable {
                     done(id.ok() ? OutcomeUnknownError("half of it is done") : id.status());
                   });
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

std::unique_ptr<StreamStore> MakePublishMutant(Mutation mutation, StreamStore* inner,
                                               uint64_t seed) {
  switch (mutation) {
    case Mutation::kForgetKeys:
      return std::make_unique<ForgetKeys>(inner);
    case Mutation::kEarlyDelivery:
      return std::make_unique<EarlyDelivery>(inner, seed);
    case Mutation::kHalfBatch:
      return std::make_unique<HalfBatch>(inner, seed);
    default:
      return nullptr;
  }
}

}  // namespace eventbus::simulation
