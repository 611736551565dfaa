#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_SIGNALS_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_SIGNALS_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/store/redis/redis_command.h"
#include "server/store/redis/redis_reply.h"
#include "server/store/stream_store.h"

namespace eventbus {

// What an instance tells the others in one entry of the signal stream: which streams have advanced,
// where entries were given back, whether the registry has changed, whether it leaves. The fields of
// the entry are `from`, `advanced` (types, separated by spaces), `released` ("type|group@1", the
// same), `wanted` ("type|group@1|owner|incarnation|2", the same: who would like to own a stream
// of an ordered group in place of whom, and how many of its streams it owns), `mail`
// ("type|group@1|id|incarnation", the same: whose entry has mail), `registry`, `joined`, `left`
// and `look` (at everything); each only where there is something to say.
struct RedisSignal {
  std::string from;
  std::set<std::string> advanced;
  std::set<std::pair<std::string, GroupKey>> released;
  std::set<LeaseWish> wishes;
  std::set<MailNotice> mail;
  bool registry_changed = false;
  bool instances_changed = false;
  bool look_at_everything = false;

  bool empty() const {
    return advanced.empty() && released.empty() && wishes.empty() && mail.empty() &&
           !look_at_everything;
  }

  // XADD of what an instance says by itself; what concerns the registry is written by scripts.
  RedisCommand Write(absl::string_view key, uint64_t max_length) const;
  // From the fields of an entry. What is not understood is left out: a newer version may say more.
  static RedisSignal Read(RedisReply fields);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_SIGNALS_H_
