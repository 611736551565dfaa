#include "server/broker/event_history.h"

#include <memory>

#include "absl/status/status.h"
#include "server/broker/fan_out.h"

namespace eventbus {
namespace {

constexpr size_t kGroupsAtOnce = 16;

}  // namespace

void EventHistory::Get(EventQuery query, Done done) {
  registry_->Renew(lifetime_.Guard(
      [this, query = std::move(query), done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        Find(std::move(query), std::move(done));
      }));
}

void EventHistory::Find(EventQuery query, Done done) {
  auto found =
      lifetime_.Guard([this, done = std::move(done)](absl::StatusOr<FoundEvent> event) mutable {
        if (!event.ok()) return done(event.status());
        AddGroups(*std::move(event), std::move(done));
      });
  if (EventPlace* const place = std::get_if<EventPlace>(&query); place != nullptr) {
    finder_.FindAt(std::move(place->stream), place->position, std::move(found));
  } else {
    finder_.FindNamed(std::get<EventName>(std::move(query)), std::move(found));
  }
}

void EventHistory::AddGroups(FoundEvent found, Done done) {
  auto view = std::make_shared<EventView>();
  view->event = std::move(found.event);
  view->further_matches = found.further_matches;
  const auto type = registry_->types().find(view->event.stream);
  // It was deleted meanwhile.
  if (type == registry_->types().end()) return done(std::move(*view));
  auto groups = std::make_shared<std::vector<KnownGroup>>();
  for (const auto& [name, group] : registry_->groups()) {
    if (!group.patterns.Matches(type->first)) continue;
    groups->push_back(group);
    view->groups.emplace_back(name, GroupEventState());
  }
  FanOut(
      groups->size(), kGroupsAtOnce,
      [this, view, groups, type = type->second](size_t i, FanOutDone one_done) {
        reader_.Read((*groups)[i], type, view->event.position,
                     [view, groups, i, one_done = std::move(one_done)](
                         absl::StatusOr<GroupEventState> state) mutable {
                       if (!state.ok()) return one_done(state.status());
                       // What a group passes over is settled, like what it acked.
                       if (state->progress == EventProgress::kAcked &&
                           !(*groups)[i].definition.policy.filter.Matches(view->event.Event())) {
                         state->progress = EventProgress::kFilteredOut;
                       }
                       view->groups[i].second = *std::move(state);
                       one_done(absl::OkStatus());
                     });
      },
      [view, done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        done(std::move(*view));
      });
}

}  // namespace eventbus
