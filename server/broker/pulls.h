#ifndef EVENTBUS_SERVER_BROKER_PULLS_H_
#define EVENTBUS_SERVER_BROKER_PULLS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"
#include "server/broker/subscription.h"

namespace eventbus {

// What a pull has leased.
struct Pulled {
  std::string group;
  // Empty if nothing came in time.
  std::vector<DeliveryRun> runs;
  // When the leases end unless they are extended, by the wall clock. Infinite past without events.
  absl::Time lease_deadline = absl::InfinitePast();
};

// Checked and with defaults filled in.
struct PullCommand {
  // The group (with a name), its definition if it is to be created, and as flow limits how much is
  // wanted. The rest is set by Pulls.
  OpenRequest open;
  // For a first event.
  absl::Duration wait;
  // Empty: none.
  std::string attempt_id;
  // Called once, on the loop, perhaps before Pull returns: the events, nothing, or the error that
  // opening the group has failed with. It must not call the broker; it may be destroyed instead.
  absl::AnyInvocable<void(absl::StatusOr<Pulled>)> done;
};

using PullId = uint64_t;

// Pulls leases events to callers that hold no stream. Each lease is a member of its group that gets
// one hand-over, and lives until all of it is settled or the deadline has passed; the group ends it
// then.
//
// A pull with the attempt id of a lease of this instance joins it: it gets the same answer while
// the lease lasts, or waits for it together with the call before.
//
// Owned by the broker. Loop thread only.
class Pulls {
 public:
  using Open = std::function<SubscriptionId(OpenRequest, SubscriberSink*)>;
  using Close = std::function<void(SubscriptionId)>;

  // `open` and `close` are those of Broker.
  Pulls(const Context* context, const Registry* registry, Open open, Close close);
  ~Pulls();
  Pulls(const Pulls&) = delete;
  Pulls& operator=(const Pulls&) = delete;

  PullId Pull(PullCommand command);
  // The caller is gone: answered with CANCELLED if it has waited. If it had its answer, that may be
  // lost: what was leased is given back at once, unless an attempt id lets the caller ask again.
  // Unknown ids are ignored.
  void Cancel(PullId id);

  // Waiting ones and leases.
  size_t size() const { return leases_.size(); }

 private:
  class Lease;
  using LeaseId = uint64_t;
  // Group and attempt id.
  using Attempt = std::pair<std::string, std::string>;

  Lease& NewLease(PullCommand* command);
  // Nobody wants it any more. What it holds is given back.
  void Retire(Lease* lease);
  // The broker has closed it.
  void Forget(Lease* lease);
  void ForgetCallers(Lease* lease);
  void ForgetAttempt(const Lease& lease);
  absl::Duration AckDeadlineOf(const std::string& group) const;

  const Context* const context_;
  const Registry* const registry_;
  const Open open_;
  const Close close_;
  PullId last_pull_ = 0;
  LeaseId last_lease_ = 0;
  absl::btree_map<LeaseId, std::unique_ptr<Lease>> leases_;
  // Who waits, and who may still give its lease back.
  absl::flat_hash_map<PullId, Lease*> callers_;
  absl::flat_hash_map<Attempt, Lease*> attempts_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_PULLS_H_
