#include "tests/simulation/connection.h"

#include <algorithm>
#include <utility>

namespace eventbus::simulation {

Connection::Connection(VirtualWorld* world, VirtualProcess* server, Chance* chance, Latency latency)
    : world_(world), server_(server), chance_(chance), latency_(latency) {}

absl::Duration Connection::Delay(absl::Duration& last_arrival) {
  const absl::Duration now = world_->elapsed();
  last_arrival = std::max(last_arrival + absl::Nanoseconds(1),
                          now + chance_->Between(latency_.min, latency_.max));
  return last_arrival - now;
}

void Connection::ToServer(Task task) {
  if (!client_open_ || broken_) return;
  world_->Schedule(Delay(to_server_after_),
                   [self = shared_from_this(), task = std::move(task)]() mutable {
                     if (self->broken_) return;
                     self->server_->Post([self, task = std::move(task)]() mutable {
                       if (self->server_open_) task();
                     });
                   });
}

void Connection::CloseByClient() {
  if (!client_open_) return;
  client_open_ = false;
  on_client_end_ = nullptr;
  if (broken_) return;
  world_->Schedule(Delay(to_server_after_),
                   [self = shared_from_this()] { self->EndAtServer(/*abruptly=*/false); });
}

void Connection::ToClient(Task task) {
  if (!server_open_ || broken_) return;
  world_->Schedule(Delay(to_client_after_),
                   [self = shared_from_this(), task = std::move(task)]() mutable {
                     if (!self->broken_ && self->client_open_) task();
                   });
}

void Connection::CloseByServer(std::string why) {
  if (!server_open_) return;
  server_open_ = false;
  on_server_end_ = nullptr;
  if (broken_) return;
  world_->Schedule(Delay(to_client_after_),
                   [self = shared_from_this(), why = std::move(why)]() mutable {
                     if (!self->broken_) self->EndAtClient(std::move(why));
                   });
}

void Connection::Break() {
  if (broken_) return;
  broken_ = true;
  world_->Schedule(chance_->Between(latency_.min, latency_.max_notice),
                   [self = shared_from_this()] { self->EndAtServer(/*abruptly=*/true); });
  world_->Schedule(chance_->Between(latency_.min, latency_.max_notice),
                   [self = shared_from_this()] { self->EndAtClient("connection broken"); });
}

void Connection::ServerDied() {
  server_open_ = false;
  on_server_end_ = nullptr;
  if (broken_) return;
  to_client_after_ = std::max(
      to_client_after_, world_->elapsed() + chance_->Between(latency_.min, latency_.max_notice));
  world_->Schedule(Delay(to_client_after_), [self = shared_from_this()] {
    if (!self->broken_) self->EndAtClient("instance gone");
  });
}

void Connection::EndAtClient(std::string why) {
  if (!client_open_) return;
  client_open_ = false;
  // It may let go of the connection.
  auto on_end = std::exchange(on_client_end_, nullptr);
  if (on_end != nullptr) on_end(std::move(why));
}

void Connection::EndAtServer(bool abruptly) {
  server_->Post([self = shared_from_this(), abruptly] {
    if (!self->server_open_) return;
    self->server_open_ = false;
    auto on_end = std::exchange(self->on_server_end_, nullptr);
    if (on_end != nullptr) on_end(abruptly);
  });
}

}  // namespace eventbus::simulation
