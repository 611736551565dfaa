#include "server/broker/session.h"

#include "server/broker/reason.h"

namespace eventbus {

void Session::Attach(SubscriptionId call, SubscriberSink* sink) {
  call_ = call;
  sink_ = sink;
  timer_->Disarm();
}

void Session::Detach(bool abruptly) {
  sink_ = nullptr;
  abruptly_ = abruptly;
  timer_->Arm(window_);
}

void Session::Evict() {
  if (sink_ == nullptr) return;
  std::exchange(sink_, nullptr)
      ->OnClosed(MakeError(absl::StatusCode::kAborted, Reason::kSessionResumed,
                           "the session goes on with another call"));
}

void Session::TellResumed() {
  // Else it hears so when it is open.
  if (!opened_.has_value()) return;
  opened_->resumed = true;
  opened_->group_created = false;
  sink_->OnOpened(*opened_);
  for (const Lost& lost : std::exchange(lost_, {})) {
    if (sink_ != nullptr) sink_->OnLost(lost.deliveries, lost.reason, lost.message);
  }
}

void Session::OnOpened(const OpenedInfo& opened) {
  opened_ = opened;
  opened_->session_token = token_;
  opened_->resume_window = window_;
  if (sink_ != nullptr) sink_->OnOpened(*opened_);
}

void Session::OnDeliveries(std::vector<DeliveryRun> runs) {
  // Without a call they are on no way: they come anew with the next one.
  if (sink_ != nullptr) sink_->OnDeliveries(std::move(runs));
}

void Session::OnSettled(const SettledInfo& settled) {
  if (sink_ != nullptr) sink_->OnSettled(settled);
}

void Session::OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason,
                     absl::string_view message) {
  if (sink_ != nullptr) return sink_->OnLost(deliveries, reason, message);
  lost_.push_back({deliveries, reason, std::string(message)});
}

void Session::OnDrain(absl::Time deadline, absl::string_view message) {
  if (sink_ != nullptr) sink_->OnDrain(deadline, message);
}

void Session::OnClosed(const absl::Status& why) {
  if (sink_ != nullptr) std::exchange(sink_, nullptr)->OnClosed(why);
}

}  // namespace eventbus
