// What happens to every event on the loop: routing, entries, groups, settling. A broker on the
// memory store, in virtual time, so neither gRPC nor Redis nor the system takes part.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "server/broker/broker.h"
#include "tests/bench/load/sample_event.h"
#include "tests/support/test_bus.h"

namespace eventbus::bench {
namespace {

constexpr size_t kEvents = 100;

// A command of 100 events that go to `types` types in turn.
class Message {
 public:
  explicit Message(size_t types) {
    std::string framed;
    for (size_t i = 0; i < kEvents; ++i) {
      const std::string type = TypeName(i % types);
      PublishItem item;
      item.begin = static_cast<uint32_t>(framed.size());
      framed += EncodeEvents({}, type, 1);
      item.end = static_cast<uint32_t>(framed.size());
      item.type_begin = static_cast<uint32_t>(framed.find(type, item.begin));
      item.type_size = static_cast<uint32_t>(type.size());
      item.id_given = true;
      command_.items.push_back(item);
    }
    command_.framed = Bytes::FromString(std::move(framed));
  }
  PublishCommand Command(absl::AnyInvocable<void(PublishOutcome)> done) const {
    PublishCommand command;
    command.framed = command_.framed;
    command.items = command_.items;
    command.done = std::move(done);
    return command;
  }

 private:
  PublishCommand command_;
};

// A subscriber that acks all it gets, in one range or one by one from the last to the first.
class AckingSink final : public SubscriberSink {
 public:
  AckingSink(TestInstance* instance, bool scattered)
      : instance_(*instance), scattered_(scattered) {}
  void Open(OpenRequest request) { id_ = instance_.broker().Open(std::move(request), this); }

  bool opened() const { return opened_; }
  uint64_t received() const { return received_; }

 private:
  void OnOpened(const OpenedInfo& /*opened*/) override { opened_ = true; }
  void OnDeliveries(std::vector<DeliveryRun> runs) override {
    SettleCommand command;
    for (const DeliveryRun& run : runs) {
      received_ += run.count;
      const uint64_t last = run.first_delivery + run.count - 1;
      if (!scattered_) {
        command.acks.push_back({run.first_delivery, last});
        continue;
      }
      for (uint64_t number = last; number >= run.first_delivery; --number) {
        command.acks.push_back({number, number});
      }
    }
    instance_.process().Post([this, command = std::move(command)]() mutable {
      instance_.broker().Settle(id_, std::move(command));
    });
  }
  void OnSettled(const SettledInfo& /*settled*/) override {}
  void OnLost(const std::vector<DeliveryRange>& /*deliveries*/, LostReason /*reason*/,
              absl::string_view /*message*/) override {}
  void OnDrain(absl::Time /*deadline*/, absl::string_view /*message*/) override {}
  void OnClosed(const absl::Status& /*why*/) override {}

  TestInstance& instance_;
  const bool scattered_;
  SubscriptionId id_ = 0;
  bool opened_ = false;
  uint64_t received_ = 0;
};

void PublishOne(TestBus* bus, const Message& message, uint64_t* stored) {
  bus->instance().process().Post([bus, &message, stored] {
    bus->instance().broker().Publish(
        message.Command([stored](const PublishOutcome& /*outcome*/) { ++*stored; }));
  });
}

// Publishing alone: 100 events of `range(0)` types.
void BM_Publish(benchmark::State& state) {
  TestBus bus;
  const Message message(static_cast<size_t>(state.range(0)));
  uint64_t sent = 0;
  uint64_t stored = 0;
  while (state.KeepRunning()) {
    PublishOne(&bus, message, &stored);
    ++sent;
    bus.world().RunUntil([&] { return stored == sent; }, absl::Seconds(10));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kEvents));
}
BENCHMARK(BM_Publish)->Arg(1)->Arg(10)->Arg(100);

// Publishing to a group that acks, of `range(0)` groups that there are.
void RunFlow(benchmark::State& state, bool scattered) {
  TestBus bus;
  const Message message(1);
  AckingSink sink(&bus.instance(), scattered);
  for (int64_t i = 1; i < state.range(0); ++i) {
    bus.Join("other" + std::to_string(i), {"other" + std::to_string(i) + ".*"});
  }
  bus.instance().process().Post([&sink] {
    OpenRequest request;
    request.group = "bench";
    request.patterns = {"bench.*"};
    request.flow = {.max_in_flight = 10'000, .max_in_flight_bytes = uint64_t{64} << 20};
    sink.Open(std::move(request));
  });
  bus.world().RunUntil([&] { return sink.opened(); }, absl::Seconds(10));
  uint64_t sent = 0;
  uint64_t stored = 0;
  while (state.KeepRunning()) {
    PublishOne(&bus, message, &stored);
    ++sent;
    bus.world().RunUntil([&] { return stored == sent && sink.received() == sent * kEvents; },
                         absl::Seconds(10));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kEvents));
}
void BM_Flow(benchmark::State& state) { RunFlow(state, false); }
void BM_FlowScattered(benchmark::State& state) { RunFlow(state, true); }
BENCHMARK(BM_Flow)->Arg(1)->Arg(100);
BENCHMARK(BM_FlowScattered)->Arg(1);

}  // namespace
}  // namespace eventbus::bench
