#ifndef EVENTBUS_TESTS_SIMULATION_SIMULATED_INSTANCE_H_
#define EVENTBUS_TESTS_SIMULATION_SIMULATED_INSTANCE_H_

#include <memory>
#include <string>
#include <vector>

#include "server/broker/broker.h"
#include "server/store/memory/memory_store.h"
#include "server/store/memory/memory_store_connection.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/connection.h"
#include "tests/simulation/history.h"
#include "tests/simulation/mutant_store.h"
#include "tests/support/faulty_store.h"
#include "tests/support/virtual_link.h"
#include "tests/support/virtual_world.h"

namespace eventbus::simulation {

// The client's ear of a subscription: called as messages arrive.
class SubscriptionListener {
 public:
  virtual ~SubscriptionListener() = default;
  virtual void OnOpened(bool group_created) = 0;
  // Answers how long it takes until the client has read it, which makes room for more.
  virtual absl::Duration OnDelivered(std::vector<SeenRun> runs) = 0;
  virtual void OnSettled(const SettledInfo& info) = 0;
  virtual void OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason) = 0;
  virtual void OnDrain() = 0;
};

// SimulatedInstance is one running daemon: a process, a faulty connection to the store, a broker,
// and in place of gRPC the server's side of virtual connections. Clients call it through these, so
// from outside of its process. Owned by the simulation; the world and the store outlive it.
class SimulatedInstance {
 public:
  struct Options {
    BrokerOptions broker;
    FaultyStore::Options faults;
    absl::Duration max_store_latency = absl::Milliseconds(2);
    Mutation mutation = Mutation::kNone;
    absl::Duration clock_skew;
  };
  // Whether it is done.
  using GroupChanged = absl::AnyInvocable<void(bool)>;
  using LettersListed = absl::AnyInvocable<void(std::vector<ChosenLetter>)>;
  using Answered = absl::AnyInvocable<void(std::vector<EventAnswer>)>;

  SimulatedInstance(VirtualWorld* world, MemoryStore* store, Chance* chance, std::string name,
                    Options options);
  ~SimulatedInstance();

  const std::string& name() const { return name_; }
  VirtualProcess& process() { return *process_; }
  FaultyStore& store() { return *faulty_; }
  bool dead() const { return broker_ == nullptr; }
  bool draining() const { return draining_; }
  BrokerCounts Counts() const { return broker_->Counts(); }

  // ---- From clients ----

  std::shared_ptr<Connection> Connect(Connection::Latency latency);
  void Publish(const std::shared_ptr<Connection>& connection, std::vector<SentEvent> events,
               bool atomic, absl::Duration delay, Answered answered);
  // `listener` outlives the world's last task, or the connection is closed by the client before.
  void Subscribe(const std::shared_ptr<Connection>& connection, OpenRequest request,
                 SubscriptionListener* listener);
  void Settle(const std::shared_ptr<Connection>& connection, SettleCommand command);
  void SetFlow(const std::shared_ptr<Connection>& connection, FlowLimits flow);

  void ChangeGroup(const std::shared_ptr<Connection>& connection, GroupChangeSent change,
                   GroupChanged answered);

  void ListLetters(const std::shared_ptr<Connection>& connection, std::string group,
                   LettersListed answered);

  // ---- From fate ----

  // As kill -9.
  void Kill();
  // As SIGTERM: exits when it is through.
  void Drain(absl::Duration grace);
  void BreakOneConnection();

 private:
  class Call;

  Call* CallOf(const Connection* connection);

  VirtualWorld* const world_;
  Chance* const chance_;
  const std::string name_;
  BrokerEvents no_events_;
  VirtualProcess* const process_;
  std::unique_ptr<MemoryStoreConnection> connection_;
  std::unique_ptr<StreamStore> mutant_;
  std::unique_ptr<FaultyStore> faulty_;
  std::unique_ptr<Broker> broker_;
  bool draining_ = false;
  std::vector<std::shared_ptr<Connection>> connections_;
  // The last ones to go: the broker calls them until it is destroyed.
  std::vector<std::unique_ptr<Call>> calls_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_SIMULATED_INSTANCE_H_
