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
  written->set_generation(group.record.generation);
}

}  // namespace eventbus
