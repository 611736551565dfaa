#ifndef EVENTBUS_SERVER_STORE_GROUP_KEY_H_
#define EVENTBUS_SERVER_STORE_GROUP_KEY_H_

#include <cstdint>
#include <string>

namespace eventbus {

// One incarnation of one consumer group on a stream. A seek makes a new generation, so that what is
// settled late for the old one cannot touch the new one.
struct GroupKey {
  std::string name;
  uint64_t generation = 1;

  // "analytics@1".
  std::string ToString() const;
  friend auto operator<=>(const GroupKey&, const GroupKey&) = default;  // NOLINT: no pointer here
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_GROUP_KEY_H_
