#ifndef EVENTBUS_SERVER_RPC_RPC_CONTEXT_H_
#define EVENTBUS_SERVER_RPC_RPC_CONTEXT_H_

#include <utility>

#include "server/broker/broker.h"
#include "server/loop/loop.h"
#include "server/observe/metrics.h"
#include "server/rpc/rpc_options.h"

namespace eventbus {

// What every call needs. Owned by RpcServer, and outlives all calls; any thread may read it.
struct RpcContext {
  RpcContext(RpcOptions rpc_options, Loop* rpc_loop, Broker* rpc_broker, Metrics* all_metrics)
      : options(std::move(rpc_options)),
        loop(rpc_loop),
        broker(rpc_broker),
        metrics(all_metrics),
        publish_metrics(&metrics->Rpc("eventbus.v1.EventBus/Publish")),
        publish_batch_metrics(&metrics->Rpc("eventbus.v1.EventBus/PublishBatch")),
        publish_stream_metrics(&metrics->Rpc("eventbus.v1.EventBus/PublishStream")),
        subscribe_metrics(&metrics->Rpc("eventbus.v1.EventBus/Subscribe")),
        receive_metrics(&metrics->Rpc("eventbus.v1.EventBus/Receive")),
        pull_metrics(&metrics->Rpc("eventbus.v1.EventBus/Pull")),
        settle_metrics(&metrics->Rpc("eventbus.v1.EventBus/Settle")),
        unimplemented_metrics(&metrics->Rpc("unimplemented")) {}
  RpcContext(const RpcContext&) = delete;
  RpcContext& operator=(const RpcContext&) = delete;

  const RpcOptions options;
  // None of these is owned. The broker is to be touched in tasks on the loop only.
  Loop* const loop;
  Broker* const broker;
  Metrics* const metrics;
  RpcMetrics* const publish_metrics;
  RpcMetrics* const publish_batch_metrics;
  RpcMetrics* const publish_stream_metrics;
  RpcMetrics* const subscribe_metrics;
  RpcMetrics* const receive_metrics;
  RpcMetrics* const pull_metrics;
  RpcMetrics* const settle_metrics;
  // Of all methods that only say that they are not implemented.
  RpcMetrics* const unimplemented_metrics;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_RPC_CONTEXT_H_
