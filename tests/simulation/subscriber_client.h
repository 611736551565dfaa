#ifndef EVENTBUS_TESTS_SIMULATION_SUBSCRIBER_CLIENT_H_
#define EVENTBUS_TESTS_SIMULATION_SUBSCRIBER_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/bus.h"

namespace eventbus::simulation {

// How a subscriber goes about it. The probabilities of misbehaviour count until Behave.
struct SubscriberPlan {
  bool tail = false;
  std::string group;
  bool ephemeral = false;
  std::vector<std::string> patterns;
  bool from_earliest = false;
  // Of a tail; a group's is in its policy.
  AttributeFilter filter;
  // Of the group.
  GroupPolicy policy;
  FlowLimits flow;
  BatchShape batch;
  // From getting a message to settling its events.
  absl::Duration max_think = absl::Milliseconds(20);
  // That a settle asks for its confirmation.
  double confirm = 0;
  // Per event: given back; kept for long; said to have failed, and with a delay of its own; said to
  // be hopeless.
  double release = 0;
  double keep = 0;
  double nack = 0;
  double nack_delay = 0;
  double reject = 0;
  // Of what is kept: its deadline is changed.
  double extend = 0;
  // Per message: numbers that are settled already, or were never delivered, go along; it stops
  // settling (a tail: reading) for a while; it closes its subscription; it wants other limits.
  double nonsense = 0;
  double stall = 0;
  double leave = 0;
  double change_flow = 0;
};

// SubscriberClient opens a subscription, settles what it gets, and connects again when its
// connection is gone. Lives outside of all processes; owned by the simulation, outlives the world's
// last task.
class SubscriberClient {
 public:
  SubscriberClient(Bus* bus, SubscriberPlan plan);
  ~SubscriberClient();

  void Start() { ConnectLater(absl::Milliseconds(100)); }
  // From now on it settles all it gets, soon, and stays.
  void Behave();
  // It goes, for good.
  void Quit();
  const SubscriberPlan& plan() const { return plan_; }
  bool open() const;

 private:
  class Session;

  void ConnectLater(absl::Duration max_pause);
  void Connect();

  Bus* const bus_;
  const SubscriberPlan plan_;
  bool behaves_ = false;
  bool quit_ = false;
  bool connecting_ = false;
  // Of each connection there was; the last one may be alive.
  std::vector<std::unique_ptr<Session>> sessions_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_SUBSCRIBER_CLIENT_H_
