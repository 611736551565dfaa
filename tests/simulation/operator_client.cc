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
  if (behaves_ && bus_->world().elapsed() < behaves_from_) return;
  if (connection_ == nullptr) {
    instance_ = bus_->PickInstance();
    if (instance_ == nullptr) return;
    connection_ = instance_->Connect(bus_->latency());
    connection_->OnEndAtClient([this](const std::string&) { Disconnect(); });
  }
  GroupChangeSent change = NextChange();
  const uint64_t number = change.change;
  under_way_ = number;
  bus_->world().Schedule(plan_.timeout, [this, number] {
    if (under_way_ == number) Disconnect();
  });
  if (change.kind != GroupChangeKind::kRedrive || bus_->chance().Happens(0.5)) {
    return Send(std::move(change));
  }
  instance_->ListLetters(
      connection_, plan_.group,
      [this, change = std::move(change)](const std::vector<ChosenLetter>& letters) {
        OnLetters(change, letters);
      });
}

void OperatorClient::OnLetters(GroupChangeSent change, const std::vector<ChosenLetter>& letters) {
  if (change.change != under_way_) return;
  for (const ChosenLetter& letter : letters) {
    if (bus_->chance().Happens(0.3)) change.letters.push_back(letter);
  }
  if (!change.letters.empty()) return Send(std::move(change));
  under_way_ = 0;
  Wait();
}

void OperatorClient::Send(GroupChangeSent change) {
  under_way_kind_ = change.kind;
  under_way_since_ = bus_->world().elapsed();
  const uint64_t number = change.change;
  instance_->ChangeGroup(connection_, change,
                         [this, number](bool done) { OnAnswered(number, done); });
  bus_->Record(std::move(change));
}

GroupChangeSent OperatorClient::NextChange() {
  Chance& chance = bus_->chance();
  GroupChangeSent change;
  change.change = bus_->NextNumber();
  change.instance = instance_->name();
  change.group = plan_.group;
  change.kind = GroupChangeKind::kResume;
  if (behaves_ || (paused_ && chance.Happens(0.6))) return change;
  uint64_t drawn =
      chance.Between(uint64_t{0}, plan_.pause + plan_.pause_for + plan_.redrive + plan_.seek - 1);
  const auto is = [&drawn](uint64_t weight) {
    if (drawn < weight) return true;
    drawn -= weight;
    return false;
  };
  if (is(plan_.redrive)) {
    change.kind = GroupChangeKind::kRedrive;
  } else if (is(plan_.seek)) {
    change.kind = GroupChangeKind::kSeek;
    const uint64_t where = chance.Between(uint64_t{0}, uint64_t{9});
    if (where < 4) change.from_ms = 0;
    if (where >= 7 && plan_.seek_to_times) {
      const absl::Duration ago = chance.Between(absl::ZeroDuration(), absl::Seconds(6));
      change.from_ms = static_cast<uint64_t>(absl::ToUnixMillis(bus_->world().Now() - ago));
    }
  } else {
    change.kind = GroupChangeKind::kPause;
    if (is(plan_.pause_for)) {
      change.pause = chance.Between(absl::Milliseconds(100), absl::Seconds(6));
    }
  }
  return change;
}

void OperatorClient::OnAnswered(uint64_t change, bool done) {
  if (change != under_way_) return;
  under_way_ = 0;
  bus_->Record(GroupChangeAnswered{change, done});
  if (done && under_way_kind_ == GroupChangeKind::kPause) paused_ = true;
  if (done && under_way_kind_ == GroupChangeKind::kResume) paused_ = false;
  done_ = behaves_ && done && under_way_kind_ == GroupChangeKind::kResume &&
          under_way_since_ >= behaves_from_;
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
  // What nobody has answered may be carried out until then, by instances that were frozen.
  behaves_from_ = bus_->world().elapsed() + absl::Seconds(3);
  Wait();
}

}  // namespace eventbus::simulation
