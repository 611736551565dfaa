#include "tests/simulation/publisher_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus::simulation {

PublisherClient::PublisherClient(Bus* bus, PublisherPlan plan)
    : bus_(bus), plan_(std::move(plan)), left_(plan_.events) {}

void PublisherClient::Wait() {
  if (waiting_ || (left_ == 0 && again_.empty()) || under_way_.size() >= plan_.window) return;
  waiting_ = true;
  bus_->world().Schedule(bus_->chance().Between(absl::ZeroDuration(), plan_.max_pause), [this] {
    waiting_ = false;
    Send();
    Wait();
  });
}

SentEvent PublisherClient::NextEvent() {
  if (again_.empty() || (left_ > 0 && !bus_->chance().Happens(0.5))) return NewEvent("");
  SentEvent event = std::move(again_.front());
  again_.pop_front();
  if (!perhaps_stored_.contains(event.data)) event.data = absl::StrCat("d", bus_->NextNumber());
  return event;
}

SentEvent PublisherClient::NewEvent(std::string type) {
  --left_;
  SentEvent event;
  event.id = absl::StrCat("id-", bus_->NextNumber());
  event.type = type.empty() ? bus_->chance().OneOf(plan_.types) : std::move(type);
  event.data = absl::StrCat("d", bus_->NextNumber());
  return event;
}

void PublisherClient::SendAgain(SentEvent event, bool may_be_stored) {
  if (may_be_stored) perhaps_stored_.insert(event.data);
  again_.push_back(std::move(event));
}

void PublisherClient::Send() {
  if (connection_ == nullptr) {
    instance_ = bus_->PickInstance();
    if (instance_ == nullptr) return;
    connection_ = instance_->Connect(bus_->latency());
    connection_->OnEndAtClient([this](const std::string&) { Disconnect(); });
  }
  PublishSent sent;
  sent.request = bus_->NextNumber();
  sent.instance = instance_->name();
  const uint64_t size = bus_->chance().Between(uint64_t{1}, plan_.max_batch);
  if (plan_.atomic > 0 && left_ > 0 && bus_->chance().Happens(plan_.atomic)) {
    sent.atomic = true;
    const std::string type = bus_->chance().OneOf(plan_.types);
    while (sent.events.size() < size && left_ > 0) sent.events.push_back(NewEvent(type));
  }
  while (!sent.atomic && sent.events.size() < size && left_ + again_.size() > 0) {
    sent.events.push_back(NextEvent());
  }
  absl::Duration delay;
  if (!sent.atomic && plan_.delayed > 0 && bus_->chance().Happens(plan_.delayed)) {
    delay = bus_->chance().Between(absl::Milliseconds(1), plan_.max_delay);
    sent.due = bus_->world().elapsed() + delay;
  }
  const uint64_t request = sent.request;
  under_way_.emplace(request, sent.events);
  instance_->Publish(
      connection_, sent.events, sent.atomic, delay,
      [this, request](std::vector<EventAnswer> answers) { OnAnswered(request, answers); });
  bus_->Record(std::move(sent));
  bus_->world().Schedule(plan_.timeout, [this, request] {
    if (under_way_.contains(request)) Disconnect();
  });
}

void PublisherClient::OnAnswered(uint64_t request, const std::vector<EventAnswer>& answers) {
  const auto sent = under_way_.extract(request);
  if (sent.empty()) return;
  bus_->Record(PublishAnswered{request, answers});
  bool refused = false;
  for (size_t i = 0; i < std::min(answers.size(), sent.mapped().size()); ++i) {
    const bool unknown = answers[i].fate == PublishFate::kUnknown;
    if (unknown && plan_.again_after_unknown) SendAgain(sent.mapped()[i], true);
    if (answers[i].fate != PublishFate::kNotStored) continue;
    SendAgain(sent.mapped()[i], false);
    refused = true;
  }
  // Another instance may fare better.
  if (refused && bus_->chance().Happens(0.5)) Disconnect();
  Wait();
}

void PublisherClient::Disconnect() {
  if (connection_ != nullptr) connection_->CloseByClient();
  connection_ = nullptr;
  instance_ = nullptr;
  // Without an answer the outcome is unknown; without a duplicate window nothing is published
  // twice.
  for (auto& [request, events] : std::exchange(under_way_, {})) {
    if (!plan_.again_after_unknown) continue;
    for (SentEvent& event : events) SendAgain(std::move(event), true);
  }
  Wait();
}

}  // namespace eventbus::simulation
