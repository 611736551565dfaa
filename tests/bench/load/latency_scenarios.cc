// The scenarios that ask how long an event takes: one at a time, and at a given rate.
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpcpp/alarm.h"
#include "grpcpp/generic/generic_stub.h"
#include "server/broker/wire.h"
#include "tests/bench/load/completions.h"
#include "tests/bench/load/connections.h"
#include "tests/bench/load/cpu_meter.h"
#include "tests/bench/load/latencies.h"
#include "tests/bench/load/opening.h"
#include "tests/bench/load/raw_client.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/subscribing.h"

namespace eventbus::bench {
namespace {

// Publishes one event, and the next when the one before was both answered and delivered.
class OneByOne final : public Tag {
 public:
  OneByOne(const std::shared_ptr<grpc::Channel>& channel, Completions* completions,
           const LoadShape& shape)
      : completions_(completions), stub_(channel) {
    std::string request;
    AppendLengthDelimitedField(1, EncodeEvent(shape.event, TypeName(0), 0), &request);
    request_ = BufferOf(request);
  }

  void PublishUntil(absl::Time end) {
    end_ = end;
    over_ = false;
    published_.clear();
    delivered_.clear();
    Publish();
  }
  bool over() const { return over_; }
  Latencies& published() { return published_; }
  Latencies& delivered() { return delivered_; }

  void Done(bool ok) override {
    if (!ok || !status_.ok()) {
      return completions_->Fail(
          absl::InternalError(absl::StrCat("Publish failed: ", status_.error_message())));
    }
    published_.Add(absl::Now() - began_);
    answered_ = true;
    GoOn();
  }
  void OnDelivery() {
    delivered_.Add(absl::Now() - began_);
    came_ = true;
    GoOn();
  }

 private:
  void GoOn() {
    if (!answered_ || !came_) return;
    if (absl::Now() < end_) {
      Publish();
    } else {
      over_ = true;
    }
  }
  void Publish() {
    answered_ = came_ = false;
    began_ = absl::Now();
    context_ = std::make_unique<grpc::ClientContext>();
    reader_ =
        stub_.PrepareUnaryCall(context_.get(), kPublishMethod, request_, completions_->queue());
    reader_->StartCall();
    reader_->Finish(&response_, &status_, this);
  }

  Completions* const completions_;
  grpc::GenericStub stub_;
  grpc::ByteBuffer request_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  absl::Time began_;
  absl::Time end_;
  bool answered_ = false;
  bool came_ = false;
  bool over_ = false;
  Latencies published_;
  Latencies delivered_;
};

int64_t Nanoseconds() { return absl::GetCurrentTimeNanos(); }

// Events at a steady rate on a PublishStream, each with the time at which it should have been sent:
// if the stream is blocked, the wait counts. What is due at once shares messages.
//
// Its thread only keeps the time; the stream lives on the thread of the Completions, which an alarm
// wakes.
class PacedPublishing final : public BidiStream<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  PacedPublishing(const std::shared_ptr<grpc::Channel>& channel, Completions* completions,
                  const LoadOptions& options)
      : BidiStream("PublishStream", completions),
        max_events_per_message_(options.shape.events_per_message) {
    AppendLengthDelimitedField(1, EncodeEvent(options.shape.event, TypeName(0), 0), &framed_);
    Start(RawClient::PublishStream(channel, context(), completions));
  }

  bool open() const { return max_messages_ > 0; }
  uint64_t sent() const { return events_sent_; }
  bool settled() const { return due_.empty() && acknowledged_ == messages_sent_; }

  // How late the first events of messages were sent.
  Latencies& lateness() { return lateness_; }

  // Events that should have been sent at these times.
  void Send(const std::vector<int64_t>& due) {
    due_.insert(due_.end(), due.begin(), due.end());
    Pump();
  }

 private:
  grpc::ByteBuffer* NextResponse() override { return reader_.Next(); }
  void OnMessage(const grpc::ByteBuffer& response) override {
    const PublishNews news = RawClient::PublishReader::Read(response);
    if (news.failures > 0) {
      return completions()->Fail(absl::InternalError("events were not stored"));
    }
    if (news.has_window) max_messages_ = news.max_messages;
    if (news.through > acknowledged_) acknowledged_ = news.through;
    Pump();
  }
  void OnWritable() override { Pump(); }

  void Pump() {
    if (due_.empty() || writing() || messages_sent_ - acknowledged_ >= max_messages_) return;
    lateness_.Add(absl::Nanoseconds(Nanoseconds() - due_.front()));
    std::string message;
    for (size_t i = 0; i < max_events_per_message_ && !due_.empty(); ++i) {
      message.append(framed_);
      std::memcpy(message.data() + message.size() - kStampBytes, &due_.front(), kStampBytes);
      due_.pop_front();
      ++events_sent_;
    }
    AppendVarintField(2, ++messages_sent_, &message);
    Write(BufferOf(message));
  }

  const size_t max_events_per_message_;
  std::string framed_;
  RawClient::PublishReader reader_;
  std::deque<int64_t> due_;
  uint64_t max_messages_ = 0;
  uint64_t messages_sent_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t events_sent_ = 0;
  Latencies lateness_;
};

// Calls a function on the thread of a Completions, again and again at steady intervals, with the
// times that have become due.
class Pacer final : public Tag {
 public:
  Pacer(Completions* completions, uint64_t rate, int64_t end_ns)
      : completions_(completions),
        interval_ns_(1e9 / static_cast<double>(rate)),
        begin_ns_(Nanoseconds()),
        end_ns_(end_ns),
        thread_([this] { KeepTime(); }) {}
  ~Pacer() override { Join(); }

  // Takes what has become due since the last call.
  void set_on_due(std::function<void(const std::vector<int64_t>&)> call) {
    absl::MutexLock lock(&mutex_);
    on_due_ = std::move(call);
  }
  // Nothing more will become due.
  bool over() const { return over_; }
  void Join() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  void Done(bool /*ok*/) override {
    std::vector<int64_t> due;
    std::function<void(const std::vector<int64_t>&)> call;
    {
      absl::MutexLock lock(&mutex_);
      due.swap(due_);
      woken_ = false;
      call = on_due_;
      over_ = ended_;
    }
    if (!due.empty() && call) call(due);
  }

 private:
  // Events that are closer than this come together.
  static constexpr int64_t kTickNs = 100'000;

  void KeepTime() {
    // Otherwise each sleep is 50 µs longer than asked for.
    prctl(PR_SET_TIMERSLACK, 1);
    double events = 0;
    const auto tick_ns = static_cast<int64_t>(std::max<double>(kTickNs, interval_ns_));
    for (int64_t tick = begin_ns_; tick < end_ns_ && !stop_; tick += tick_ns) {
      const int64_t wait = tick - Nanoseconds();
      if (wait > 0) {
        const timespec pause = {wait / 1'000'000'000, wait % 1'000'000'000};
        nanosleep(&pause, nullptr);
      }
      std::vector<int64_t> due;
      for (; events * interval_ns_ <= static_cast<double>(tick - begin_ns_); ++events) {
        due.push_back(tick);
      }
      if (!due.empty()) Wake(due, false);
    }
    Wake({}, true);
  }
  void Wake(const std::vector<int64_t>& due, bool ended) {
    absl::MutexLock lock(&mutex_);
    due_.insert(due_.end(), due.begin(), due.end());
    ended_ |= ended;
    if (std::exchange(woken_, true)) return;
    alarm_.Set(completions_->queue(), gpr_time_0(GPR_CLOCK_REALTIME), this);
  }

  Completions* const completions_;
  const double interval_ns_;
  const int64_t begin_ns_;
  const int64_t end_ns_;
  absl::Mutex mutex_;
  std::vector<int64_t> due_ ABSL_GUARDED_BY(mutex_);
  std::function<void(const std::vector<int64_t>&)> on_due_ ABSL_GUARDED_BY(mutex_);
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Alarm alarm_;
  bool over_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<Figures> RunOneDelivered(const LoadOptions& options) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  Subscribing<RawClient> subscribing(
      Connect(options.address), &completions,
      {.open = OpenGroup("bench", TypeName(0), options.max_in_flight)});
  OneByOne one(Connect(options.address), &completions, options.shape);
  const absl::Cleanup end = [&] {
    subscribing.Cancel();
    completions.Drain();
  };
  subscribing.set_on_deliveries([&](const SubscribeNews&) { one.OnDelivery(); });
  absl::Status status = completions.RunUntil([&] { return subscribing.opened(); }, deadline);
  CpuMeter meter(options.watched);
  for (const absl::Duration phase : {options.warm_up, options.duration}) {
    if (!status.ok()) return status;
    meter.Start();
    one.PublishUntil(absl::Now() + phase);
    status = completions.RunUntil([&] { return one.over(); }, deadline);
  }
  if (!status.ok()) return status;
  Figures figures{{"events", one.delivered().size()},
                  {"published", one.published().Report()},
                  {"delivered", one.delivered().Report()}};
  meter.Report(static_cast<double>(one.delivered().size()), &figures);
  return figures;
}

absl::StatusOr<Figures> RunLatency(const LoadOptions& options) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  Subscribing<RawClient> subscribing(
      Connect(options.address), &completions,
      {.open = OpenGroup("bench", TypeName(0), options.max_in_flight), .stamps = true});
  PacedPublishing publishing(Connect(options.address), &completions, options);
  std::unique_ptr<Pacer> pacer;
  const absl::Cleanup end = [&] {
    if (pacer != nullptr) pacer->Join();
    subscribing.Cancel();
    publishing.Cancel();
    completions.Drain();
  };
  absl::Status status =
      completions.RunUntil([&] { return subscribing.opened() && publishing.open(); }, deadline);
  if (!status.ok()) return status;

  Latencies latencies;
  const int64_t warm_until = Nanoseconds() + absl::ToInt64Nanoseconds(options.warm_up);
  const int64_t end_ns = warm_until + absl::ToInt64Nanoseconds(options.duration);
  subscribing.set_on_deliveries([&](const SubscribeNews& news) {
    const int64_t now = Nanoseconds();
    for (const int64_t stamp : news.stamps) {
      if (stamp >= warm_until) latencies.Add(absl::Nanoseconds(now - stamp));
    }
  });
  // From the warm-up on: the events are too evenly spread for it to matter.
  CpuMeter meter(options.watched);
  meter.Start();
  pacer = std::make_unique<Pacer>(&completions, options.rate, end_ns);
  pacer->set_on_due([&](const std::vector<int64_t>& due) { publishing.Send(due); });
  status = completions.RunUntil(
      [&] {
        return pacer->over() && publishing.settled() && subscribing.received() == publishing.sent();
      },
      deadline);
  if (!status.ok()) return status;
  const double seconds = absl::ToDoubleSeconds(absl::Nanoseconds(Nanoseconds() - warm_until));
  Figures figures{{"events", latencies.size()},
                  {"seconds", seconds},
                  {"rate", options.rate},
                  {"events_per_second", static_cast<double>(latencies.size()) / seconds},
                  {"delivered", latencies.Report()},
                  {"sent_late", publishing.lateness().Report()}};
  meter.Report(static_cast<double>(subscribing.acked()), &figures);
  return figures;
}

}  // namespace eventbus::bench
