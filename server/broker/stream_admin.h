#ifndef EVENTBUS_SERVER_BROKER_STREAM_ADMIN_H_
#define EVENTBUS_SERVER_BROKER_STREAM_ADMIN_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/broker_options.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/page_request.h"
#include "server/broker/registry.h"
#include "server/broker/stream_policies.h"
#include "server/broker/stream_room.h"
#include "server/store/stream_store.h"

namespace eventbus {

// A stream as operators see it.
struct StreamView {
  TypeRecord type;
  StreamInfo info;
  // Of the oldest event it keeps, and of the last one ever; nullopt: none.
  std::optional<Position> first;
  std::optional<Position> last;
  double events_per_second = 0;
  uint32_t groups = 0;
  StreamPolicy policy;
};

struct StreamQuery {
  // Valid patterns. Empty: all.
  std::vector<std::string> patterns;
  PageRequest page;
};

struct StreamPage {
  // By name.
  std::vector<StreamView> streams;
  // Empty: no more follow.
  std::string next;
};

struct PurgeCommand {
  enum class Extent {
    kBefore,  // Entries below `before`: events share entries, and those that share that one stay.
    kAll,     // What is there.
    kStream,  // The stream itself and its type.
  };
  std::string stream;
  Extent extent = Extent::kAll;
  EntryId before;
  bool dry_run = false;
};

struct PurgeResult {
  uint64_t events = 0;
  // Not settled yet, by group.
  std::map<std::string, uint64_t> unsettled;
};

// NOT_FOUND (kStreamNotFound).
absl::Status StreamNotFoundError(absl::string_view stream);

// How many events a second went into a stream within the last minute, by its latest entries, newest
// first, each with how many events it has. `all`: the stream has no others. Pure.
double RateOf(const std::vector<std::pair<EntryId, uint64_t>>& latest, bool all, absl::Time now);

// StreamAdmin answers operators about streams, and purges them.
//
// A stream that is deleted may be born again at any time, also while it is being deleted. So its
// type is looked at once more a little later: a stream that is there is registered again.
//
// Owned by the broker. Loop thread only.
class StreamAdmin {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>)>;

  // All must outlive it.
  StreamAdmin(const Context* context, Registry* registry, const StreamPolicies* policies,
              StreamRoom* room);

  void List(StreamQuery query, Done<StreamPage> done);
  // Events that an instance has taken to deliver them may still be delivered. NOT_FOUND
  // (kStreamNotFound).
  void Purge(PurgeCommand command, Done<PurgeResult> done);

 private:
  struct Deleted {
    std::string stream;
    absl::Duration due;
  };

  void Describe(StreamView* view, absl::AnyInvocable<void(absl::Status)> done);
  void Trim(PurgeCommand command, Done<PurgeResult> done);
  void Delete(const std::string& stream, PurgeResult counted, Done<PurgeResult> done);
  void Forget(const std::string& stream, PurgeResult counted, Done<PurgeResult> done);
  void LookAgain();
  void Adopt(const std::string& stream);

  const Context* const context_;
  Registry* const registry_;
  const StreamPolicies* const policies_;
  StreamRoom* const room_;
  std::deque<Deleted> deleted_;
  std::unique_ptr<Timer> timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_STREAM_ADMIN_H_
