#ifndef EVENTBUS_SERVER_BROKER_GROUP_STATE_READER_H_
#define EVENTBUS_SERVER_BROKER_GROUP_STATE_READER_H_

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "server/broker/context.h"
#include "server/broker/group_state.h"
#include "server/broker/lifetime.h"
#include "server/store/group_key.h"

namespace eventbus {

struct GroupOnStream {
  std::string stream;
  GroupKey group;
};

// GroupStateReader asks the store where groups stand, a bounded number of streams at a time. Groups
// and streams that are not there (yet, or any more) stand at nothing.
//
// Owned by GroupAdmin. Loop thread only.
class GroupStateReader {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::vector<GroupStreamState>>)>;

  explicit GroupStateReader(const Context* context) : context_(context) {}

  // Answers in the order of `streams`.
  void Read(std::vector<GroupOnStream> streams, Done done);

 private:
  struct Look;

  void ReadOne(const GroupOnStream& where,
               absl::AnyInvocable<void(absl::StatusOr<GroupStreamState>)> done);

  const Context* const context_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_STATE_READER_H_
