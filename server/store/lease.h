#ifndef EVENTBUS_SERVER_STORE_LEASE_H_
#define EVENTBUS_SERVER_STORE_LEASE_H_

#include <cstdint>
#include <string>

#include "server/store/group_key.h"

// Who owns a stream of an ordered group: a part of StreamStore (stream_store.h). A lease belongs to
// a group by its name, whatever its generation, and does not end by time: an owner gives it back,
// or another instance takes it that knows the owner to be gone.
namespace eventbus {

struct LeaseRequest {
  std::string stream;
  std::string group;
  // The incarnation that asks.
  std::string owner;
  // An owner that is known to be gone, from whom the lease may be taken. Empty: none.
  std::string gone;
};

struct LeaseResult {
  // Goes up whenever the lease is given, also if to the same owner: reads and claims that carry an
  // earlier one are refused.
  uint64_t fence = 0;
  // Who has it now. Another one than asked: the lease was not given.
  std::string owner;
};

// An instance stands by and would like to own the stream.
struct LeaseWish {
  std::string stream;
  GroupKey group;
  // Who has the lease, as far as it knows; the wish is for this one alone.
  std::string owner;
  std::string by;
  // How many streams of the group it owns.
  uint64_t owned = 0;

  friend auto operator<=>(const LeaseWish&, const LeaseWish&) = default;  // NOLINT: no pointer here
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_LEASE_H_
