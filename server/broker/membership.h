#ifndef EVENTBUS_SERVER_BROKER_MEMBERSHIP_H_
#define EVENTBUS_SERVER_BROKER_MEMBERSHIP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"

namespace eventbus {

// How an instance is, as this one sees it.
enum class InstanceState {
  kUnknown,   // Not watched for long enough.
  kAlive,     // It serves.
  kDraining,  // It takes nothing new. (By its own report; membership does not know.)
  kLeft,      // It stopped in good order.
  kDead,      // Its heartbeat stands still.
};

struct SeenInstance {
  std::string incarnation;
  InstanceState state = InstanceState::kUnknown;
  // When its heartbeat was last seen to move, on this instance's monotonic clock.
  absl::Duration moved_at;
};

// Hears what becomes of the instances.
class MembershipListener {
 public:
  virtual ~MembershipListener() = default;
  // It died or left: what it held may be claimed.
  virtual void OnInstanceGone(const std::string& incarnation) = 0;
  // Others took this instance for dead. It has a new incarnation already (Context::incarnation);
  // what it held is no longer its own.
  virtual void OnJudged(const std::string& old_incarnation) = 0;
  // After each heartbeat: what the living instances report of themselves.
  virtual void OnReports(const std::vector<std::string>& reports) = 0;
};

// Membership takes part in the heartbeats of all instances on one store, and judges the others by
// them. Heartbeats are counters: an instance is dead when its counter has not moved for
// `dead_after` on this instance's own clock, while this instance's own heartbeats succeeded all
// that time. So neither skewed clocks nor a store that pauses or restarts make anybody look dead,
// nor does an instance that was frozen itself (alone, or with its whole machine) judge by what it
// heard before.
//
// An instance that was judged finds its own counter set back, for the judges forget it; it goes on
// under a new incarnation.
//
// Owned by the broker. Loop thread only.
class Membership {
 public:
  // `report` is asked at each heartbeat. All must outlive it; `context->incarnation` is changed
  // when judged.
  Membership(Context* context, MembershipListener* listener, std::function<std::string()> report);

  // Sends the first heartbeat, again until the store answers; then `done`. Nothing may be read for
  // groups before.
  void Join(absl::AnyInvocable<void()> done);
  // Known, neither dead nor gone. This instance is.
  bool IsAlive(const std::string& incarnation) const;
  // Heartbeats answered so far. Who is not known to be alive when this has gone up by two was not
  // there when the later of them was sent.
  uint64_t looks() const { return looks_; }
  // All that are known, this one too, by incarnation; those that have left or died, for some
  // minutes.
  std::vector<SeenInstance> Seen() const;
  // What was seen before says nothing any more: the store was away. Judging starts anew.
  void Restart();
  // Asks at once rather than at the next heartbeat. One that is under way may have been answered
  // before there was something new to see: then once more behind it.
  void LookNow() {
    again_ = beating_;
    Beat();
  }
  // Says good-bye; no heartbeats afterwards.
  void Leave(absl::AnyInvocable<void(absl::Status)> done);

 private:
  struct Watched {
    uint64_t counter = 0;
    // Since when it has not moved, as far as that proves something.
    absl::Duration still_since;
    absl::Duration moved_at;
    bool has_moved = false;
  };
  struct Gone {
    InstanceState state;
    absl::Duration moved_at;
    absl::Duration at;
  };

  void Beat();
  // `sent_at`: when the heartbeat was sent that is answered.
  void OnBeat(absl::Duration sent_at, absl::StatusOr<HeartbeatResult> result);
  bool CheckSelf(const std::vector<InstanceRecord>& instances);
  void Judge(const InstanceRecord& instance, absl::Duration sent_at);
  void NoteGone(const std::string& incarnation, InstanceState state);

  Context* const context_;
  MembershipListener* const listener_;
  const std::function<std::string()> report_;
  const std::string first_incarnation_;
  // The other ones that are alive.
  absl::btree_map<std::string, Watched> others_;
  // Lately: for operators.
  absl::btree_map<std::string, Gone> gone_;
  uint64_t own_counter_ = 0;
  // When the heartbeat was sent that was answered last.
  absl::Duration last_sent_at_ = -absl::InfiniteDuration();
  uint64_t incarnations_ = 1;
  uint64_t looks_ = 0;
  bool beating_ = false;
  bool again_ = false;
  bool leaving_ = false;
  absl::AnyInvocable<void()> joined_;
  std::unique_ptr<Timer> timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_MEMBERSHIP_H_
