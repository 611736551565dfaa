#include "tests/simulation/operator_client.h"

#include <utility>

namespace eventbus::simulation {

OperatorClient::OperatorClient(Bus* bus, OperatorPlan plan) : bus_(bus), plan_(std::move(plan)) {}

void OperatorClient::Wait() {
  if (waiting_ || done_ || under_way_ != 0) return;
  waiting_ = true;
  bus_->world().Schedule(
      bus_->chance().Between(absl::ZeroDuration(),
                             behaves_ ? absl::Milliseconds(500) : plan_.max_pause),
      [this] {
        waiting_ = false;
        Act();
        Wait();
      });
}

void OperatorClient::Act() {
  if (connection_ == nullptr) {
    instance_ = bus_->PickInstance();
    if (instance_ == nullptr) return;
    connection_ = instance_->Connect(bus_->latency());
    connection_->OnEndAtClient([this](const std::string&) { Disconnect(); });
  }
  GroupChangeSent change = NextChange();
  under_way_ = change.change;
  under_way_kind_ = change.kind;
  const uint64_t number = change.change;
  instance_->ChangeGroup(connection_, change,
                         [this, number](bool done) { OnAnswered(number, done); });
  bus_->Record(std::move(change));
  bus_->world().Schedule(plan_.timeout, [this, number] {
    if (under_way_ == number) Disconnect();
  });
}

GroupChangeSent OperatorClient::NextChange() {
  Chance& chance = bus_->chance();
  GroupChangeSent change;
  change.change = bus_->NextNumber();
  change.instance = instance_->name();
  change.group = plan_.group;
  if (behaves_ || (paused_ && chance.Happens(0.7))) {
    change.kind = GroupChangeKind::kResume;
  } else if (chance.Between(uint64_t{1}, plan_.pause + plan_.pause_for) > plan_.pause) {
    change.kind = GroupChangeKind::kPause;
    change.pause = chance.Between(absl::Milliseconds(100), absl::Seconds(6));
  } else {
    change.kind = GroupChangeKind::kPause;
  }
  return change;
}

void OperatorClient::OnAnswered(uint64_t change, bool done) {
  if (change != under_way_) return;
  under_way_ = 0;
  bus_->Record(GroupChangeAnswered{change, done});
  if (done) paused_ = under_way_kind_ == GroupChangeKind::kPause;
  if (behaves_ && done && under_way_kind_ == GroupChangeKind::kResume) done_ = true;
  // Another instance next time.
  if (!done || bus_->chance().Happens(0.5)) Disconnect();
  Wait();
}

void OperatorClient::Disconnect() {
  if (connection_ != nullptr) connection_->CloseByClient();
  connection_ = nullptr;
  instance_ = nullptr;
  // Nobody knows what became of it.
  under_way_ = 0;
  Wait();
}

void OperatorClient::Behave() {
  behaves_ = true;
  Wait();
}

}  // namespace eventbus::simulation
