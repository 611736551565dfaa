#include "server/rpc/group_message.h"

#include <string>

#include "server/rpc/group_policy.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {

void WriteGroup(const KnownGroup& group, absl::Time now, v1::Group* written) {
  const GroupDefinition& definition = group.definition;
  written->set_name(group.record.name);
  for (const std::string& pattern : definition.patterns) written->add_patterns(pattern);
  written->set_ephemeral(definition.ephemeral);
  *written->mutable_policy() = WriteGroupPolicy(definition.policy);
  written->set_revision(definition.revision);
  written->set_paused(now < definition.paused_until);
  if (definition.created > absl::UnixEpoch()) {
    *written->mutable_create_time() = WriteTimestamp(definition.created);
  }
  if (definition.updated > absl::UnixEpoch()) {
    *written->mutable_update_time() = WriteTimestamp(definition.updated);
  }
  written->set_generation(group.generation());
}

void WriteGroup(const GroupView& view, v1::Group* message) {
  WriteGroup(view.group, view.as_of, message);
  if (view.state.has_value()) WriteGroupState(*view.state, message->mutable_state());
}

void WriteGroupState(const GroupState& state, v1::GroupState* message) {
  message->set_lag(state.lag);
  message->set_lag_estimated(state.lag_estimated);
  message->set_pending(state.pending);
  message->set_retrying(state.retrying);
  message->set_dead_letters(state.dead_letters);
  message->set_lost_events(state.lost_events);
  if (state.oldest_unsettled != absl::InfiniteFuture()) {
    *message->mutable_oldest_unsettled_time() = WriteTimestamp(state.oldest_unsettled);
  }
  message->set_subscribers(state.subscribers);
  message->set_acked_per_second(state.acked_per_second);
}

void WriteGroupStreamState(const GroupStreamState& stream, v1::GroupStreamState* message) {
  message->set_stream(stream.stream);
  if (stream.delivered.has_value()) message->set_delivered_position(stream.delivered->ToString());
  if (stream.unsettled.has_value()) message->set_unsettled_position(stream.unsettled->ToString());
  WriteGroupState(stream.state, message->mutable_state());
}

}  // namespace eventbus
