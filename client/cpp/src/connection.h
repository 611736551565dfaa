#ifndef EVENTBUS_CLIENT_CPP_SRC_CONNECTION_H_
#define EVENTBUS_CLIENT_CPP_SRC_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/src/group_names.h"
#include "client/cpp/src/scheduler.h"
#include "eventbus/client.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace eventbus::client {

// Connection is what a client, its copies, publishers and subscriptions share: the gRPC channel, a
// timer thread and the group names in use. Any thread.
class Connection {
 public:
  Connection(std::string address, ConnectOptions options);

  const std::string& address() const { return address_; }
  const ConnectOptions& options() const { return options_; }
  Scheduler& scheduler() { return scheduler_; }
  GroupNames& groups() { return groups_; }

  std::shared_ptr<grpc::Channel> channel() const;

  // New calls use a fresh transport: the instance behind `left` is about to stop, and a load
  // balancer may lead elsewhere; or nothing comes over it any more. Nothing happens if that was
  // replaced already.
  void LeaveChannel(const std::shared_ptr<grpc::Channel>& left);

 private:
  std::shared_ptr<grpc::Channel> MakeChannel() const;

  const std::string address_;
  const ConnectOptions options_;
  GroupNames groups_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
  Scheduler scheduler_;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_CONNECTION_H_
