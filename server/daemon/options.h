#ifndef EVENTBUS_SERVER_DAEMON_OPTIONS_H_
#define EVENTBUS_SERVER_DAEMON_OPTIONS_H_

#include "server/broker/broker_options.h"
#include "server/config/config.h"
#include "server/rpc/rpc_options.h"
#include "server/store/memory/memory_store.h"
#include "server/store/redis/redis_address.h"
#include "server/store/redis/redis_store.h"

// What each room is told, from the one configuration. Pure.
namespace eventbus {

RpcOptions RpcOptionsFrom(const Config& config);
MemoryStoreOptions MemoryStoreOptionsFrom(const Config& config);
// `address`: what is in `store.redis.url`.
RedisStoreOptions RedisStoreOptionsFrom(const Config& config, RedisAddress address);
// Without `incarnation` and `seed`, which differ with each start.
BrokerOptions BrokerOptionsFrom(const Config& config);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_DAEMON_OPTIONS_H_
