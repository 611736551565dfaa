#ifndef EVENTBUS_TESTS_SIMULATION_BUS_H_
#define EVENTBUS_TESTS_SIMULATION_BUS_H_

#include <cstdint>

#include "tests/simulation/chance.h"
#include "tests/simulation/connection.h"
#include "tests/simulation/history.h"
#include "tests/simulation/simulated_instance.h"
#include "tests/support/virtual_world.h"

namespace eventbus::simulation {

// What the clients of a simulation live in. Implemented by the simulation; outlives them.
class Bus {
 public:
  virtual ~Bus() = default;
  virtual VirtualWorld& world() = 0;
  virtual Chance& chance() = 0;
  // An instance to connect to, as a load balancer would choose: not one that is dead or drains.
  // Nullptr: there is none now.
  virtual SimulatedInstance* PickInstance() = 0;
  virtual Connection::Latency latency() = 0;
  virtual void Record(Observation what) = 0;
  // 1, 2, 3, …: for requests, subscriptions, events.
  virtual uint64_t NextNumber() = 0;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_BUS_H_
