#ifndef EVENTBUS_TESTS_SIMULATION_PUBLISHER_CLIENT_H_
#define EVENTBUS_TESTS_SIMULATION_PUBLISHER_CLIENT_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/bus.h"

namespace eventbus::simulation {

// How a publisher goes about it.
struct PublisherPlan {
  std::vector<std::string> types;
  uint32_t events = 0;
  uint32_t max_batch = 1;
  // Requests on their way at a time. 1: each is sent when the one before is answered.
  uint32_t window = 1;
  absl::Duration max_pause = absl::Milliseconds(100);
  absl::Duration timeout = absl::Seconds(5);
  // What has an unknown outcome is published again: the types have a duplicate window.
  bool again_after_unknown = false;
  // How likely a request is atomic, or is to be delivered later, by at most `max_delay`.
  double atomic = 0;
  double delayed = 0;
  absl::Duration max_delay = absl::Seconds(5);
};

// PublisherClient publishes its events, each until it is stored or its outcome is unknown: what was
// not stored is published again, and where types have a duplicate window so is the unknown. Lives
// outside of all processes; owned by the simulation, outlives the world's last task.
class PublisherClient {
 public:
  PublisherClient(Bus* bus, PublisherPlan plan);

  void Start() { Wait(); }
  // Everything was published, and all answers are there or given up.
  bool done() const { return left_ == 0 && again_.empty() && under_way_.empty(); }

 private:
  void Wait();
  void Send();
  SentEvent NextEvent();
  SentEvent NewEvent(std::string type);
  // To be sent again: with new data if nothing of it can be stored.
  void SendAgain(SentEvent event, bool may_be_stored);
  void OnAnswered(uint64_t request, const std::vector<EventAnswer>& answers);
  void Disconnect();

  Bus* const bus_;
  const PublisherPlan plan_;
  uint32_t left_;
  bool waiting_ = false;
  // Not stored, to be sent again.
  std::deque<SentEvent> again_;
  // Data of those of which something may be stored.
  std::set<std::string> perhaps_stored_;
  std::map<uint64_t, std::vector<SentEvent>> under_way_;
  SimulatedInstance* instance_ = nullptr;
  std::shared_ptr<Connection> connection_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_PUBLISHER_CLIENT_H_
