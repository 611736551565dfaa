#ifndef EVENTBUS_CLIENT_CPP_SRC_SETTLE_BUFFER_H_
#define EVENTBUS_CLIENT_CPP_SRC_SETTLE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "eventbus/delivery.h"
#include "eventbus/v1/broker.pb.h"

namespace eventbus::client {

// SettleBuffer gathers verdicts and makes one message of them, neighbours as ranges. Owned by a
// SubscribeCall, guarded by its mutex.
class SettleBuffer {
 public:
  void AddAck(uint64_t number);
  void AddRelease(uint64_t number);
  void AddNack(uint64_t number, const Settle& verdict);
  void AddReject(uint64_t number, const Settle& verdict);

  // Verdicts since the last Take.
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // All of them, into a cleared message; the buffer is then empty.
  void TakeInto(v1::Settlement& settlement);

 private:
  struct Range {
    uint64_t first;
    uint64_t last;
  };
  using Ranges = std::vector<Range>;

  static void Extend(Ranges& ranges, uint64_t number);
  static void Coalesce(Ranges& ranges);
  static void Append(const Ranges& ranges,
                     google::protobuf::RepeatedPtrField<v1::DeliveryRange>& out);

  Ranges acks_;
  Ranges releases_;
  v1::Settlement others_;
  size_t size_ = 0;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_SETTLE_BUFFER_H_
