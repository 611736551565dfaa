#ifndef EVENTBUS_TESTS_SUPPORT_TEST_BUS_H_
#define EVENTBUS_TESTS_SUPPORT_TEST_BUS_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/broker/broker.h"
#include "server/store/memory/memory_store.h"
#include "server/store/memory/memory_store_connection.h"
#include "tests/support/faulty_store.h"
#include "tests/support/virtual_world.h"

namespace eventbus {

// One delivered event, as its subscriber saw it.
struct Received {
  std::string type;
  std::string id;
  std::string stream;
  Position position;
  uint64_t delivery = 0;
  uint32_t attempt = 0;
  uint32_t times_delivered = 0;
  std::string last_reason;
  bool redriven = false;
};

// A subscriber that writes down what it hears.
class RecordingSink final : public SubscriberSink {
 public:
  void OnOpened(const OpenedInfo& info) override { opened = info; }
  void OnDeliveries(std::vector<DeliveryRun> runs) override;
  void OnSettled(const SettledInfo& info) override { settled.push_back(info); }
  void OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason,
              absl::string_view message) override;
  void OnTokensLost(const std::vector<DeliveryToken>& taken, LostReason reason,
                    absl::string_view message) override;
  void OnDrain(absl::Time deadline, absl::string_view message) override;
  void OnClosed(const absl::Status& why) override { closed = why; }

  // Ids of what was received, in order.
  std::vector<std::string> ids() const;

  std::optional<OpenedInfo> opened;
  std::vector<Received> received;
  // Events in each message.
  std::vector<size_t> messages;
  std::vector<SettledInfo> settled;
  std::vector<DeliveryRange> lost;
  std::vector<LostReason> lost_reasons;
  std::vector<DeliveryToken> lost_tokens;
  bool drained = false;
  std::optional<absl::Status> closed;
  // By delivery, for settling by tokens.
  std::vector<DeliveryToken> tokens;
};

// A frame of `repeated Event events = 1` with these attributes. Of an id like "key/7" the first
// part is the source.
std::string FramedTestEvent(absl::string_view type, absl::string_view id,
                            absl::string_view data = "");

// A command of events (type, id), all in one message.
PublishCommand CommandOf(const std::vector<std::pair<std::string, std::string>>& events,
                         absl::AnyInvocable<void(PublishOutcome)> done);

// One instance: a process with its connection and its broker.
class TestInstance {
 public:
  TestInstance(VirtualWorld* world, MemoryStore* store, std::string name,
               BrokerOptions options = {}, BrokerEvents* events = nullptr);

  Broker& broker() { return *broker_; }
  // Its way to the store, for making it fail.
  FaultyStore& store() { return *faulty_; }
  VirtualProcess& process() { return *process_; }
  // As kill -9.
  void Kill();

 private:
  BrokerEvents no_events_;
  VirtualProcess* process_;
  std::unique_ptr<MemoryStoreConnection> connection_;
  std::unique_ptr<FaultyStore> faulty_;
  std::unique_ptr<Broker> broker_;
};

// A bus for tests: virtual time, a memory store, and as many instances as asked for.
//
//   TestBus bus;
//   RecordingSink& sink = bus.Join("audit", {"order.*"});
//   bus.Publish("order.placed", "1");
//   EXPECT_THAT(sink.ids(), ElementsAre("1"));
class TestBus {
 public:
  explicit TestBus(BrokerOptions options = {}, BrokerEvents* events = nullptr);
  ~TestBus();

  // Publishes one event and waits until its fate is known.
  absl::StatusOr<Position> Publish(const std::string& type, const std::string& id);
  PublishOutcome PublishAll(const std::vector<std::pair<std::string, std::string>>& events);
  // Opens a subscription, and waits until it is open or refused.
  RecordingSink& Open(OpenRequest request, size_t instance = 0);
  RecordingSink& Join(const std::string& group, std::vector<std::string> patterns,
                      size_t instance = 0);
  RecordingSink& Tail(std::vector<std::string> patterns, StartPosition start = StartLatest{});
  // Makes the stream busy, so that for a moment what is published together shares an entry.
  void WarmUp(const std::string& type);
  void Settle(const RecordingSink& sink, SettleCommand command);
  void AckAll(const RecordingSink& sink);
  void Close(const RecordingSink& sink, CallEnd end = CallEnd::kInPeace);
  // Settles by tokens and waits for the answer.
  TokenSettlement SettleTokens(SettleAction action, std::vector<DeliveryToken> tokens,
                               size_t instance = 0);
  void Taken(const RecordingSink& sink, uint64_t events, uint64_t bytes);
  void SetFlow(const RecordingSink& sink, FlowLimits flow);

  size_t AddInstance();
  TestInstance& instance(size_t index = 0) { return *instances_[index]; }
  MemoryStore& store() { return *store_; }
  VirtualWorld& world() { return world_; }
  // Lets everything happen that is due now or soon, well below any timer of interest.
  void Run(absl::Duration duration = absl::Milliseconds(5)) { world_.Advance(duration); }

 private:
  struct Subscriber {
    std::unique_ptr<RecordingSink> sink;
    size_t instance = 0;
    SubscriptionId id = 0;
  };
  const Subscriber& Find(const RecordingSink& sink) const;

  const BrokerOptions options_;
  BrokerEvents* const events_;
  VirtualWorld world_;
  std::unique_ptr<MemoryStore> store_;
  std::vector<Subscriber> subscribers_;
  std::vector<std::unique_ptr<TestInstance>> instances_;
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_SUPPORT_TEST_BUS_H_
