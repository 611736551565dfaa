#include "client/cpp/src/publisher_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cpp/src/status.h"
#include "eventbus/errors.h"

namespace eventbus::client {

Publisher::Core::Core(std::shared_ptr<Connection> connection, PublisherOptions options)
    : connection_(std::move(connection)), options_(std::move(options)) {}

bool Publisher::Core::HasRoom() const {
  return closed_ || (counts_.pending < options_.max_pending_events &&
                     pending_bytes_ < options_.max_pending_bytes);
}

absl::Status Publisher::Core::Add(Event& event, PublishCallback& done, bool block) {
  if (event.id().empty()) event.set_id(NewEventId());
  const size_t bytes = event.ByteSizeLong();
  {
    absl::MutexLock lock(&mutex_);
    if (!HasRoom()) {
      if (!block) {
        return absl::ResourceExhaustedError(absl::StrCat(
            counts_.pending, " events (", pending_bytes_,
            " bytes) wait for the broker: PublisherOptions::max_pending_events, _bytes"));
      }
      if (!mutex_.AwaitWithTimeout(absl::Condition(this, &Core::HasRoom),
                                   options_.delivery_timeout)) {
        return absl::DeadlineExceededError(
            absl::StrCat("no room for ", absl::FormatDuration(options_.delivery_timeout),
                         ": the broker takes no events; last error: ", last_error_.ToString()));
      }
    }
    if (closed_) return absl::FailedPreconditionError("the publisher is closed");
    PublishMessage* open = queue_.empty() ? nullptr : queue_.back().get();
    if (open == nullptr || open->sealed ||
        static_cast<size_t>(open->size()) >= options_.max_message_events ||
        open->bytes + bytes > options_.max_message_bytes) {
      queue_.push_back(std::make_shared<PublishMessage>());
      open = queue_.back().get();
      open->expires = absl::Now() + options_.delivery_timeout;
    }
    open->Add(std::move(event), bytes, std::move(done));
    pending_bytes_ += bytes;
    ++counts_.accepted;
    ++counts_.pending;
    WatchExpiry();
    // The write under way, or the wait, ends with a Pump of its own.
    if (call_ != nullptr && (writing_ != nullptr || window_.max_messages() == 0)) {
      return absl::OkStatus();
    }
  }
  Pump();
  return absl::OkStatus();
}

void Publisher::Core::Connect() {
  uint64_t number = 0;
  std::shared_ptr<grpc::Channel> channel = connection_->channel();
  {
    absl::MutexLock lock(&mutex_);
    if (call_number_ != 0 || queue_.empty() || holding_) return;
    number = call_number_ = ++calls_made_;
    last_sequence_ = 0;
    window_.Clear();
  }
  std::shared_ptr<Core> self = shared_from_this();
  PublishCall::Events events;
  events.on_response = [self, number](const v1::PublishStreamResponse& response) {
    self->OnResponse(number, response);
  };
  events.on_written = [self, number] { self->OnWritten(number); };
  events.on_finished = [self, number, channel](const absl::Status& status) {
    if (GetErrorReason(status) == v1::ERROR_REASON_DRAINING) {
      self->connection_->LeaveChannel(channel);
    }
    self->OnFinished(number, status);
  };
  std::shared_ptr<PublishCall> call =
      PublishCall::Start(connection_, channel, call_count_, std::move(events));
  {
    absl::MutexLock lock(&mutex_);
    if (call_number_ == number) {  // Otherwise it is over already.
      call_ = call;
      channel_ = channel;
    }
    if (!closed_ || counts_.pending > 0) call.reset();
  }
  if (call != nullptr) call->CancelCall();
  Pump();
}

void Publisher::Core::Pump() {
  std::shared_ptr<PublishCall> call;
  MessagePointer message;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.empty() || holding_ || writing_ != nullptr) return;
    if (call_number_ != 0) {
      if (call_ == nullptr) return;
      const size_t next_bytes = queue_.front()->bytes;
      if (in_flight_.size() >= window_.max_messages()) return;
      if (!in_flight_.empty() && in_flight_bytes_ + next_bytes > window_.max_bytes()) return;
      message = std::move(queue_.front());
      queue_.pop_front();
      message->sealed = true;
      message->request.set_sequence(++last_sequence_);
      in_flight_bytes_ += message->bytes;
      in_flight_.push_back(message);
      writing_ = message;
      call = call_;
    }
  }
  if (call == nullptr) {
    Connect();
  } else {
    // False: the call is over, and OnFinished brings the message back.
    call->WriteRequest(&message->request);
  }
}

void Publisher::Core::PumpAfter(absl::Duration delay) {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(holding_, true)) return;
  }
  connection_->scheduler().After(delay, [weak = weak_from_this()] {
    const std::shared_ptr<Core> self = weak.lock();
    if (self == nullptr) return;
    {
      absl::MutexLock lock(&self->mutex_);
      self->holding_ = false;
    }
    self->Pump();
  });
}

void Publisher::Core::OnWritten(uint64_t call) {
  {
    absl::MutexLock lock(&mutex_);
    if (call != call_number_) return;
    writing_.reset();
  }
  Pump();
}

void Publisher::Core::OnResponse(uint64_t call, const v1::PublishStreamResponse& response) {
  if (response.has_window()) {
    {
      absl::MutexLock lock(&mutex_);
      if (call != call_number_) return;
      window_ = response.window();
      // A window of nothing would be a standstill without end.
      window_.set_max_messages(std::max<uint32_t>(window_.max_messages(), 1));
    }
    Pump();
  } else if (response.has_acknowledgement()) {
    OnAcknowledgement(call, response.acknowledgement());
  }
}

void Publisher::Core::OnAcknowledgement(uint64_t call,
                                        const v1::PublishAcknowledgement& acknowledgement) {
  std::vector<Decision> decisions;
  {
    absl::MutexLock lock(&mutex_);
    if (call != call_number_ || in_flight_.empty()) return;
    const uint64_t first = in_flight_.front()->request.sequence();
    const auto find = [&](uint64_t sequence) -> PublishMessage* {
      if (sequence < first || sequence - first >= in_flight_.size()) return nullptr;
      return in_flight_[sequence - first].get();
    };
    // A failure may come before the acknowledgement that covers its message.
    for (const v1::PublishStreamFailure& failure : acknowledgement.failures()) {
      if (PublishMessage* message = find(failure.sequence())) message->failures.push_back(failure);
    }
    for (const v1::PublishStreamResult& result : acknowledgement.results()) {
      if (PublishMessage* message = find(result.sequence())) message->results = result;
    }
    while (!in_flight_.empty() &&
           in_flight_.front()->request.sequence() <= acknowledgement.through()) {
      in_flight_bytes_ -= in_flight_.front()->bytes;
      decisions.push_back({std::move(in_flight_.front()), {}});
      in_flight_.pop_front();
    }
    backoff_.Reset();
  }
  const absl::Time now = absl::Now();
  for (Decision& decision : decisions) decision.verdict = Judge(*decision.message, now);
  Carry(std::move(decisions));
  Pump();
}

void Publisher::Core::OnFinished(uint64_t call, const absl::Status& status) {
  const bool permanent = IsPermanent(status);
  std::vector<Decision> decisions;
  absl::Duration delay;
  {
    absl::MutexLock lock(&mutex_);
    if (call != call_number_) return;
    call_number_ = 0;
    call_.reset();
    writing_.reset();
    last_error_ = status.ok() ? absl::UnavailableError("the server ended the stream") : status;
    // A stream that is refused before anything was sent will be refused again.
    const bool fail_queue =
        permanent && (in_flight_.empty() || status.code() == absl::StatusCode::kUnimplemented);
    if (permanent) {
      for (MessagePointer& message : in_flight_) {
        decisions.push_back(FailAll(std::move(message), last_error_));
      }
    } else {
      for (auto message = in_flight_.rbegin(); message != in_flight_.rend(); ++message) {
        (*message)->failures.clear();
        (*message)->results.Clear();
        queue_.push_front(std::move(*message));
      }
    }
    in_flight_.clear();
    in_flight_bytes_ = 0;
    if (fail_queue) {
      for (MessagePointer& message : queue_) {
        decisions.push_back(FailAll(std::move(message), last_error_));
      }
      queue_.clear();
    }
    delay = std::max(backoff_.Next(), GetRetryDelay(status).value_or(absl::ZeroDuration()));
  }
  Carry(std::move(decisions));
  PumpAfter(delay);
}

Publisher::Core::Decision Publisher::Core::FailAll(MessagePointer message,
                                                   const absl::Status& status) {
  Decision decision{std::move(message), {}};
  const int size = decision.message->size();
  decision.verdict.failed = static_cast<size_t>(size);
  for (int i = 0; i < size; ++i) decision.verdict.outcomes.push_back({i, status});
  return decision;
}

void Publisher::Core::Carry(std::vector<Decision> decisions) {
  if (decisions.empty()) return;
  absl::Status first_failure;
  PublisherCounts change;
  size_t bytes = 0;
  size_t bytes_again = 0;
  bool wait = false;
  for (Decision& decision : decisions) {
    PublishMessage& message = *decision.message;
    bytes += message.bytes;
    for (const MessagePointer& again : decision.verdict.again) bytes_again += again->bytes;
    change.confirmed += decision.verdict.stored;
    change.failed += decision.verdict.failed;
    wait = wait || decision.verdict.wait;
    for (PublishVerdict::Outcome& outcome : decision.verdict.outcomes) {
      const Event& event = message.request.events(outcome.index);
      if (!outcome.result.ok()) first_failure.Update(outcome.result.status());
      const auto index = static_cast<size_t>(outcome.index);
      if (index < message.callbacks.size() && message.callbacks[index] != nullptr) {
        message.callbacks[index](event, std::move(outcome.result));
      } else if (!outcome.result.ok() && options_.on_failure != nullptr) {
        options_.on_failure(event, outcome.result.status());
      }
    }
  }
  // Only now, so that Flush does not return before the callbacks have.
  {
    absl::MutexLock lock(&mutex_);
    counts_.confirmed += change.confirmed;
    counts_.failed += change.failed;
    counts_.pending -= change.confirmed + change.failed;
    pending_bytes_ -= bytes - bytes_again;
    if (change.failed > 0) {
      first_failure_.Update(first_failure);
      failures_since_flush_ += change.failed;
    }
    for (auto decision = decisions.rbegin(); decision != decisions.rend(); ++decision) {
      std::vector<MessagePointer>& again = decision->verdict.again;
      queue_.insert(queue_.begin(), again.begin(), again.end());
    }
  }
  if (wait) {
    absl::Duration delay;
    {
      absl::MutexLock lock(&mutex_);
      delay = backoff_.Next();
    }
    PumpAfter(delay);
  }
}

}  // namespace eventbus::client
