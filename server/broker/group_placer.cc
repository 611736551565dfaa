#include "server/broker/group_placer.h"

#include <utility>
#include <vector>

#include "server/broker/fan_out.h"

namespace eventbus {
namespace {

constexpr size_t kStreamsAtOnce = 64;
constexpr absl::Duration kRetry = absl::Milliseconds(500);

}  // namespace

CreateStreamRequest BirthOf(const Registry& registry, std::string stream) {
  CreateStreamRequest request;
  for (const auto& [name, known] : registry.groups()) {
    if (known.patterns.Matches(stream)) request.groups.push_back(known.KeyOn(stream));
  }
  request.stream = std::move(stream);
  return request;
}

void PlaceGroup(const Context& context, const Registry& registry, const Lifetime& lifetime,
                const KnownGroup& group, const TypeRecord& type,
                std::function<void(const absl::Status&)> done) {
  context.store->CreateGroup(
      {type.stream, group.KeyOn(type.stream), group.StartOn(type).after},
      lifetime.Guard([&context, &registry, stream = type.stream,
                      done = std::move(done)](const absl::Status& status) {
        if (status.code() != absl::StatusCode::kNotFound) return done(status);
        // The type is registered and its stream is not born yet. Whoever comes first creates it,
        // with all its groups.
        context.store->CreateStream(
            BirthOf(registry, stream),
            [done](const absl::StatusOr<CreateStreamResult>& result) { done(result.status()); });
      }));
}

GroupPlacer::GroupPlacer(const Context* context, const Registry* registry)
    : context_(context), registry_(registry) {}

void GroupPlacer::Place(std::string name, absl::AnyInvocable<void()> done) {
  PlaceOnAll(std::make_shared<Placing>(Placing{std::move(name), std::move(done), nullptr}));
}

void GroupPlacer::PlaceOnAll(const std::shared_ptr<Placing>& placing) {
  const KnownGroup* group = registry_->FindGroup(placing->name);
  if (group == nullptr) return placing->done();
  std::vector<TypeRecord> older;
  for (const auto& [stream, type] : registry_->types()) {
    if (type.stamp < group->record.stamp && group->patterns.Matches(stream)) older.push_back(type);
  }
  const size_t count = older.size();
  FanOut(
      count, kStreamsAtOnce,
      [this, group = *group, older = std::move(older)](size_t i, FanOutDone done) {
        auto shared = std::make_shared<FanOutDone>(std::move(done));
        PlaceGroup(*context_, *registry_, lifetime_, group, older[i],
                   lifetime_.Guard([shared](const absl::Status& status) { (*shared)(status); }));
      },
      [this, placing](const absl::Status& status) {
        if (status.ok()) return placing->done();
        // The timer keeps what it waits for, and both go when the work is done.
        placing->retry = context_->loop->CreateTimer(
            [this, weak = std::weak_ptr<Placing>(placing)] { Retry(weak.lock()); });
        placing->retry->Arm(kRetry);
        waiting_.insert(placing);
      });
}

void GroupPlacer::Retry(const std::shared_ptr<Placing>& placing) {
  waiting_.erase(placing);
  PlaceOnAll(placing);
}

}  // namespace eventbus
