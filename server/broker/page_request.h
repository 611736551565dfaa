#ifndef EVENTBUS_SERVER_BROKER_PAGE_REQUEST_H_
#define EVENTBUS_SERVER_BROKER_PAGE_REQUEST_H_

#include <cstdint>
#include <string>

namespace eventbus {

// Which page of a list is asked for. An answer tells what its last item is sorted by, if more may
// follow; the next request goes on after that.
struct PageRequest {
  uint32_t size = 100;
  // What the last item before this page is sorted by; empty: the page is the first one.
  std::string after;
};

// What an answer holds at most of what is of any size, such as definitions or events; one item
// always goes. Leaves room for the rest below the size of a message.
inline constexpr uint64_t kMaxPageBytes = uint64_t{2} << 20;

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_PAGE_REQUEST_H_
