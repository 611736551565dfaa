#ifndef EVENTBUS_TESTS_BENCH_LOAD_PUBLISHING_H_
#define EVENTBUS_TESTS_BENCH_LOAD_PUBLISHING_H_

#include <cstdint>
#include <limits>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/load/bidi_stream.h"
#include "tests/bench/load/load_shape.h"
#include "tests/bench/load/news.h"

namespace eventbus::bench {

// A PublishStream that is kept as full as its window allows.
template <typename Client>
class Publishing final
    : public BidiStream<typename Client::PublishRequest, typename Client::PublishResponse> {
 public:
  Publishing(const std::shared_ptr<grpc::Channel>& channel, Completions* completions,
             const LoadShape& shape)
      : BidiStream<typename Client::PublishRequest, typename Client::PublishResponse>(
            "PublishStream", completions),
        events_per_message_(shape.events_per_message),
        messages_(shape) {
    this->Start(Client::PublishStream(channel, this->context(), completions));
  }

  // Whether the server has told its window.
  bool open() const { return max_messages_ > 0; }

  // Publishes until that time, or that many events more.
  void PublishUntil(absl::Time end) {
    end_ = end;
    end_sequence_ = std::numeric_limits<uint64_t>::max();
    Pump();
  }
  void PublishCount(uint64_t events) {
    end_ = absl::InfiniteFuture();
    end_sequence_ = sent_ + (events + events_per_message_ - 1) / events_per_message_;
    Pump();
  }

  // Nothing more will be sent, and all that was sent is stored.
  bool settled() const { return !wanted_ && acknowledged_ == sent_; }
  bool wants_more() const { return wanted_; }
  uint64_t events_sent() const { return sent_ * events_per_message_; }
  uint64_t events_stored() const { return acknowledged_ * events_per_message_; }

 private:
  using Request = typename Client::PublishRequest;
  using Response = typename Client::PublishResponse;

  Response* NextResponse() override { return reader_.Next(); }
  void OnMessage(const Response& response) override {
    const PublishNews news = reader_.Read(response);
    if (news.failures > 0) {
      return this->completions()->Fail(absl::InternalError("events were not stored"));
    }
    if (news.has_window) {
      max_messages_ = news.max_messages;
      max_bytes_ = news.max_bytes;
    }
    if (news.through > acknowledged_) acknowledged_ = news.through;
    Pump();
  }
  void OnWritable() override { Pump(); }

  void Pump() {
    if (!open() || this->writing()) return;
    const uint64_t open_messages = sent_ - acknowledged_;
    if (open_messages >= max_messages_ ||
        (open_messages > 0 && (open_messages + 1) * messages_.bytes() > max_bytes_)) {
      return;
    }
    wanted_ = sent_ < end_sequence_ && absl::Now() < end_;
    if (wanted_) this->Write(messages_.Next(++sent_));
  }

  const uint64_t events_per_message_;
  typename Client::Messages messages_;
  typename Client::PublishReader reader_;
  absl::Time end_ = absl::InfinitePast();
  uint64_t end_sequence_ = 0;
  uint64_t max_messages_ = 0;
  uint64_t max_bytes_ = 0;
  uint64_t sent_ = 0;
  uint64_t acknowledged_ = 0;
  bool wanted_ = true;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_PUBLISHING_H_
