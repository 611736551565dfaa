#include "server/broker/group_remover.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "server/broker/fan_out.h"

namespace eventbus {
namespace {

constexpr size_t kStreamsAtOnce = 64;
constexpr absl::Duration kRetry = absl::Seconds(1);
// By then, whoever can be reached has heard of it.
constexpr absl::Duration kOnceMoreAfter = absl::Seconds(3);

}  // namespace

GroupRemover::GroupRemover(const Context* context, Registry* registry)
    : context_(context),
      registry_(registry),
      timer_(context->loop->CreateTimer([this] { RunDue(); })) {}

void GroupRemover::Remove(std::string name, uint64_t up_to_generation,
                          absl::AnyInvocable<void()> done) {
  RemoveFromAll(
      std::make_shared<Removal>(Removal{std::move(name), up_to_generation, std::move(done), {}}));
}

void GroupRemover::RemoveFromAll(const std::shared_ptr<Removal>& removal) {
  // All of them: it may have left some when its patterns changed.
  std::vector<std::string> streams;
  for (const auto& [stream, type] : registry_->types()) streams.push_back(stream);
  const size_t count = streams.size();
  FanOut(
      count, kStreamsAtOnce,
      [this, removal, streams = std::move(streams)](size_t i, FanOutDone done) {
        context_->store->RemoveGroup(streams[i], removal->name, removal->up_to_generation,
                                     lifetime_.Guard(std::move(done)));
      },
      [this, removal](const absl::Status& status) { OnRemoved(removal, status); });
}

void GroupRemover::OnRemoved(const std::shared_ptr<Removal>& removal, const absl::Status& status) {
  if (!status.ok()) return Later(removal, kRetry);
  if (removal->done == nullptr) return;
  std::exchange(removal->done, nullptr)();
  Later(removal, kOnceMoreAfter);
}

void GroupRemover::Later(std::shared_ptr<Removal> removal, absl::Duration delay) {
  removal->due = context_->loop->MonotonicNow() + delay;
  later_.push_back(std::move(removal));
  if (!timer_->armed()) timer_->Arm(delay);
}

void GroupRemover::RunDue() {
  // What the store has now, for somebody may have created one of this name elsewhere.
  registry_->Renew(lifetime_.Guard([this](const absl::Status& status) {
    const absl::Duration now = context_->loop->MonotonicNow();
    std::deque<std::shared_ptr<Removal>> waiting;
    for (std::shared_ptr<Removal>& removal : std::exchange(later_, {})) {
      if (!status.ok() || removal->due > now) {
        waiting.push_back(std::move(removal));
      } else if (!IsTaken(*removal)) {
        RemoveFromAll(removal);
      } else if (removal->done != nullptr) {
        std::exchange(removal->done, nullptr)();
      }
    }
    std::move(waiting.begin(), waiting.end(), std::back_inserter(later_));
    if (!later_.empty() && !timer_->armed()) timer_->Arm(kRetry);
  }));
}

bool GroupRemover::IsTaken(const Removal& removal) const {
  const KnownGroup* const now = registry_->FindGroup(removal.name);
  return now != nullptr && now->generation() <= removal.up_to_generation;
}

}  // namespace eventbus
