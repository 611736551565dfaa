#ifndef EVENTBUS_TESTS_SIMULATION_OPERATOR_CLIENT_H_
#define EVENTBUS_TESTS_SIMULATION_OPERATOR_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/bus.h"

namespace eventbus::simulation {

// What an operator does to a group. Its weights say how likely each is, relative to each other.
struct OperatorPlan {
  std::string group;
  uint64_t pause = 0;
  // Pauses that end by themselves.
  uint64_t pause_for = 0;
  // Redriving all dead letters, or some.
  uint64_t redrive = 0;
  // Seeking to the beginning, the end, or a time.
  uint64_t seek = 0;
  bool seek_to_times = false;
  absl::Duration max_pause = absl::Seconds(3);
  absl::Duration timeout = absl::Seconds(6);

  bool does_anything() const { return pause + pause_for + redrive + seek > 0; }
};

// OperatorClient changes a group while it is in use, one change after the other, each on whichever
// instance it finds. Lives outside of all processes; owned by the simulation, outlives the world's
// last task.
class OperatorClient {
 public:
  OperatorClient(Bus* bus, OperatorPlan plan);

  void Start() { Wait(); }
  // From now on it only makes sure that the group is not paused.
  void Behave();
  // That is certain.
  bool done() const { return done_; }

 private:
  void Wait();
  void Act();
  GroupChangeSent NextChange();
  void Send(GroupChangeSent change);
  // Some of its letters, if there are any.
  void OnLetters(GroupChangeSent change, const std::vector<ChosenLetter>& letters);
  void OnAnswered(uint64_t change, bool done);
  void Disconnect();

  Bus* const bus_;
  const OperatorPlan plan_;
  bool behaves_ = false;
  absl::Duration behaves_from_;
  bool done_ = false;
  bool waiting_ = false;
  // As far as it can tell.
  bool paused_ = false;
  // 0: no answer is awaited.
  uint64_t under_way_ = 0;
  absl::Duration under_way_since_;
  GroupChangeKind under_way_kind_ = GroupChangeKind::kPause;
  SimulatedInstance* instance_ = nullptr;
  std::shared_ptr<Connection> connection_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_OPERATOR_CLIENT_H_
