#ifndef EVENTBUS_SERVER_BROKER_BYTE_BUDGET_H_
#define EVENTBUS_SERVER_BROKER_BYTE_BUDGET_H_

#include <cstdint>

namespace eventbus {

// ByteBudget is how many bytes may be kept for some purpose, counted by those who keep them. Loop
// thread only.
class ByteBudget {
 public:
  explicit ByteBudget(uint64_t bytes) : left_(bytes) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  // False: there is not that much left, and nothing was taken.
  bool Take(uint64_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  void Return(uint64_t bytes) { left_ += bytes; }
  uint64_t left() const { return left_; }

 private:
  uint64_t left_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_BYTE_BUDGET_H_
