// How events come to an end without an acknowledgement, and what a publisher's owner sees.
#include "eventbus/publisher.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "client/cpp/src/publisher_core.h"

namespace eventbus::client {

void Publisher::Core::WatchExpiry() {
  if (std::exchange(watching_expiry_, true)) return;
  connection_->scheduler().After(std::min(absl::Seconds(1), options_.delivery_timeout),
                                 [weak = weak_from_this()] {
                                   if (const std::shared_ptr<Core> self = weak.lock())
                                     self->OnExpiryTimer();
                                 });
}

void Publisher::Core::OnExpiryTimer() {
  std::vector<Decision> decisions;
  std::shared_ptr<PublishCall> stuck;
  std::shared_ptr<grpc::Channel> channel;
  {
    absl::MutexLock lock(&mutex_);
    watching_expiry_ = false;
    if (counts_.pending == 0) return;
    WatchExpiry();
    const absl::Time now = absl::Now();
    const absl::Status expired = absl::DeadlineExceededError(absl::StrCat(
        "not confirmed within ", absl::FormatDuration(options_.delivery_timeout), "; it ",
        in_flight_.empty() ? "was not sent" : "may be stored", "; last error: ",
        last_error_.ok() ? std::string("none, the broker does not answer")
                         : last_error_.ToString()));
    // The call that left these unanswered is given up; the rest comes back when it ends.
    while (!in_flight_.empty() && in_flight_.front()->expires <= now) {
      in_flight_bytes_ -= in_flight_.front()->bytes;
      decisions.push_back(FailAll(std::move(in_flight_.front()), expired));
      in_flight_.pop_front();
      stuck = call_;
      channel = channel_;
    }
    for (auto message = queue_.begin(); message != queue_.end();) {
      if ((*message)->expires > now) {
        ++message;
        continue;
      }
      decisions.push_back(FailAll(std::move(*message), expired));
      message = queue_.erase(message);
    }
  }
  Carry(std::move(decisions));
  if (stuck == nullptr) return;
  // The next call goes over another connection: this one may lead nowhere.
  connection_->LeaveChannel(channel);
  stuck->CancelCall();
}

absl::Status Publisher::Core::Flush(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(this, &Core::Idle), timeout)) {
    return absl::DeadlineExceededError(
        absl::StrCat(counts_.pending, " of ", counts_.accepted, " events are not confirmed yet",
                     last_error_.ok() ? "" : "; last error: ",
                     last_error_.ok() ? std::string() : last_error_.ToString()));
  }
  const uint64_t failures = std::exchange(failures_since_flush_, 0);
  const absl::Status first = std::exchange(first_failure_, absl::OkStatus());
  if (failures <= 1) return first;
  absl::Status status(
      first.code(), absl::StrCat(first.message(), " (the first of ", failures, " failed events)"));
  first.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { status.SetPayload(url, payload); });
  return status;
}

absl::Status Publisher::Core::Close(absl::Duration timeout) {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }
  absl::Status status = Flush(timeout);
  std::vector<Decision> decisions;
  std::shared_ptr<PublishCall> call;
  {
    absl::MutexLock lock(&mutex_);
    call = std::move(call_);
    call_number_ = 0;
    const absl::Status cancelled = absl::CancelledError("the publisher was closed before");
    for (std::deque<MessagePointer>* messages : {&in_flight_, &queue_}) {
      for (MessagePointer& message : *messages) {
        decisions.push_back(FailAll(std::move(message), cancelled));
      }
      messages->clear();
    }
    in_flight_bytes_ = 0;
  }
  Carry(std::move(decisions));
  if (call != nullptr) call->CancelCall();
  return status;
}

void Publisher::Core::WaitForCalls() {
  constexpr absl::Duration kTimeout = absl::Seconds(5);
  call_count_->WaitForNone(kTimeout);
}

PublisherCounts Publisher::Core::counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

Publisher::Publisher(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Publisher::~Publisher() {
  (void)core_->Close(absl::ZeroDuration());
  core_->WaitForCalls();
}

absl::Status Publisher::Publish(Event event, PublishCallback done) {
  return core_->Add(event, done, /*block=*/true);
}

absl::Status Publisher::TryPublish(Event&& event, PublishCallback done) {
  return core_->Add(event, done, /*block=*/false);
}

absl::Status Publisher::Flush(absl::Duration timeout) { return core_->Flush(timeout); }

absl::Status Publisher::Close(absl::Duration timeout) { return core_->Close(timeout); }

PublisherCounts Publisher::counts() const { return core_->counts(); }

}  // namespace eventbus::client
