#ifndef EVENTBUS_TESTS_SIMULATION_CONNECTION_H_
#define EVENTBUS_TESTS_SIMULATION_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "tests/simulation/chance.h"
#include "tests/support/virtual_world.h"

namespace eventbus::simulation {

// Connection is the virtual network between one client and one instance: messages take random
// times, arrive in order in each direction, and are lost with the connection when it breaks. Each
// side learns of the break on its own. The client is outside of all processes; the server's side
// runs as tasks of its process.
//
// Shared by both sides and by what is on its way. The world outlives it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Latency {
    absl::Duration min = absl::Microseconds(50);
    absl::Duration max = absl::Milliseconds(2);
    // How long a side may take to notice a break.
    absl::Duration max_notice = absl::Milliseconds(800);
  };

  Connection(VirtualWorld* world, VirtualProcess* server, Chance* chance, Latency latency);

  // What the sides do when it is over, for whatever reason but that they ended it themselves. Each
  // at most once.
  void OnEndAtClient(absl::AnyInvocable<void(std::string)> on_end) {
    on_client_end_ = std::move(on_end);
  }
  // `abruptly`: it broke.
  void OnEndAtServer(absl::AnyInvocable<void(bool abruptly)> on_end) {
    on_server_end_ = std::move(on_end);
  }

  // From the client.
  void ToServer(Task task);
  void CloseByClient();
  // From the server.
  void ToClient(Task task);
  void CloseByServer(std::string why);
  // From fate.
  void Break();
  // The server's process is dead. What it had sent arrives.
  void ServerDied();

  bool open_at_client() const { return client_open_; }

 private:
  absl::Duration Delay(absl::Duration& last_arrival);
  void EndAtClient(std::string why);
  void EndAtServer(bool abruptly);

  VirtualWorld* const world_;
  VirtualProcess* const server_;
  Chance* const chance_;
  const Latency latency_;
  bool client_open_ = true;
  bool server_open_ = true;
  bool broken_ = false;
  absl::Duration to_server_after_ = absl::ZeroDuration();
  absl::Duration to_client_after_ = absl::ZeroDuration();
  absl::AnyInvocable<void(std::string)> on_client_end_;
  absl::AnyInvocable<void(bool)> on_server_end_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_CONNECTION_H_
