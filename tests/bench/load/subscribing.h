#ifndef EVENTBUS_TESTS_BENCH_LOAD_SUBSCRIBING_H_
#define EVENTBUS_TESTS_BENCH_LOAD_SUBSCRIBING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "eventbus/v1/broker.pb.h"
#include "tests/bench/load/bidi_stream.h"
#include "tests/bench/load/news.h"
#include "tests/bench/load/settle_plan.h"

namespace eventbus::bench {

struct SubscribingOptions {
  v1::SubscribeOpen open;
  // Unset: a tail, which settles nothing.
  std::optional<SettleKind> settle = SettleKind::kInOrder;
  // Whether the times in the events are wanted.
  bool stamps = false;
};

// A Subscribe stream that settles what it gets. What comes while a settlement is being written is
// settled together with the next one.
template <typename Client>
class Subscribing final
    : public BidiStream<typename Client::SubscribeRequest, typename Client::SubscribeResponse> {
 public:
  Subscribing(const std::shared_ptr<grpc::Channel>& channel, Completions* completions,
              const SubscribingOptions& options)
      : BidiStream<typename Client::SubscribeRequest, typename Client::SubscribeResponse>(
            "Subscribe", completions),
        opening_(Client::Open(options.open)),
        settles_(options.settle.has_value()),
        plan_(options.settle.value_or(SettleKind::kInOrder)),
        reader_(options.stamps) {
    this->Start(Client::Subscribe(channel, this->context(), completions));
  }

  // Called for each message of deliveries.
  void set_on_deliveries(std::function<void(const SubscribeNews&)> call) {
    on_deliveries_ = std::move(call);
  }

  bool opened() const { return opened_; }
  // Deliveries, repeated ones included.
  uint64_t received() const { return received_; }
  uint64_t acked() const { return plan_.acks(); }
  uint64_t nacked() const { return plan_.nacks(); }

  // All that will come has come: settles what was held back, and asks for a confirmation.
  void Confirm() {
    plan_.Flush();
    confirm_wanted_ = true;
    Settle();
  }
  // The store has what was settled before Confirm.
  bool confirmed() const { return !confirm_wanted_ && confirmed_ == confirms_; }

 private:
  using Request = typename Client::SubscribeRequest;
  using Response = typename Client::SubscribeResponse;

  Response* NextResponse() override { return reader_.Next(); }
  void OnMessage(const Response& response) override {
    news_.Clear();
    reader_.Read(response, &news_);
    if (news_.disturbed) {
      return this->completions()->Fail(absl::InternalError("leases were lost, or a drain came"));
    }
    opened_ |= news_.opened;
    if (news_.settled > confirmed_) confirmed_ = news_.settled;
    for (const DeliveredBatch& batch : news_.batches) {
      received_ += batch.count;
      if (settles_) plan_.Take(batch);
    }
    if (on_deliveries_ && !news_.batches.empty()) on_deliveries_(news_);
    Settle();
  }
  void OnWritable() override {
    if (!std::exchange(open_sent_, true)) return this->Write(opening_);
    Settle();
  }

  void Settle() {
    if (this->writing()) return;
    SettleWish& wish = *plan_.wish();
    if (std::exchange(confirm_wanted_, false)) wish.confirm = ++confirms_;
    if (wish.empty()) return;
    this->Write(writer_.Write(wish));
    wish.Clear();
  }

  const Request opening_;
  const bool settles_;
  SettlePlan plan_;
  typename Client::SubscribeReader reader_;
  typename Client::SettleWriter writer_;
  std::function<void(const SubscribeNews&)> on_deliveries_;
  SubscribeNews news_;
  bool open_sent_ = false;
  bool opened_ = false;
  bool confirm_wanted_ = false;
  uint64_t confirms_ = 0;
  uint64_t confirmed_ = 0;
  uint64_t received_ = 0;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_SUBSCRIBING_H_
