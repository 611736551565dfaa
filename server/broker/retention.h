#ifndef EVENTBUS_SERVER_BROKER_RETENTION_H_
#define EVENTBUS_SERVER_BROKER_RETENTION_H_

#include <deque>
#include <memory>
#include <string>

#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"
#include "server/broker/stream_policies.h"

namespace eventbus {

// Retention drops what streams need not keep any longer, by sweeps. It looks at every stream once
// in `retention_interval`, a few at a time, by the store's clock. What groups lose by it is
// counted, never silent.
//
// Owned by the broker. Loop thread only.
class Retention {
 public:
  Retention(const Context* context, const Registry* registry, const StreamPolicies* policies);

  void Start();
  void Stop() { timer_->Disarm(); }

 private:
  void Tick();
  void Sweep(const std::string& stream);
  void OnInfo(const std::string& stream, const StreamInfo& info);

  const Context* const context_;
  const Registry* const registry_;
  const StreamPolicies* const policies_;
  // What is left of this round.
  std::deque<std::string> round_;
  size_t per_tick_ = 1;
  std::unique_ptr<Timer> timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_RETENTION_H_
