#ifndef EVENTBUS_DELIVERY_H_
#define EVENTBUS_DELIVERY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "eventbus/event.h"

namespace eventbus::v1 {
class DeliveryBatch;
}  // namespace eventbus::v1

namespace eventbus::client {

// Delivery is one event handed to a handler, lent for that call.
//
// Example:
//   [](const Delivery& delivery) {
//     if (delivery.attempt() > 1) Log("again, after: ", delivery.last_reason());
//     return Store(GetData(delivery.event()));  // absl::Status
//   }
class Delivery {
 public:
  Delivery(const v1::DeliveryBatch& batch, int index) : batch_(batch), index_(index) {}

  const Event& event() const;
  absl::string_view stream() const;
  // Opaque, URL-safe; what StartAt::After takes.
  std::string position() const;
  // 1 + the nacks and passed deadlines that this event has had in its group. 0 for a tail.
  uint32_t attempt() const;
  // Differs from attempt() after broken connections and releases. 0 for a tail.
  uint32_t times_delivered() const;
  // When the first event of its batch was stored, by the store's clock.
  absl::Time stored_time() const;
  // Why the last attempt failed. Empty on the first one.
  absl::string_view last_reason() const;
  // It comes from the dead letters.
  bool redriven() const;

 private:
  const v1::DeliveryBatch& batch_;
  int index_;
};

// Settle is a handler's verdict on a delivery. An absl::Status converts to it: OK is Ack, an error
// is Nack with the error as its reason.
//
// Example:
//   return Settle::Nack("rate limited", absl::Seconds(30));
class Settle {
 public:
  enum class Kind { kAck, kNack, kReject, kRelease, kLeave };

  Settle(const absl::Status& status)  // NOLINT(google-explicit-constructor)
      : kind_(status.ok() ? Kind::kAck : Kind::kNack), reason_(status.ToString()) {
    if (status.ok()) reason_.clear();
  }

  // Done.
  static Settle Ack() { return Settle(Kind::kAck); }
  // Failed: try again after `delay`, by default after what the group's policy says. Costs an
  // attempt.
  static Settle Nack(std::string reason, std::optional<absl::Duration> delay = std::nullopt) {
    return Settle(Kind::kNack, std::move(reason), delay);
  }
  // Cannot succeed: dead letter now.
  static Settle Reject(std::string reason) { return Settle(Kind::kReject, std::move(reason)); }
  // Given back, to be delivered to anybody at once, at no cost in attempts.
  static Settle Release() { return Settle(Kind::kRelease); }
  // Neither: it stays in flight to this subscription, and is released when that stops.
  static Settle Leave() { return Settle(Kind::kLeave); }

  Kind kind() const { return kind_; }
  const std::string& reason() const { return reason_; }
  const std::optional<absl::Duration>& delay() const { return delay_; }

 private:
  explicit Settle(Kind kind, std::string reason = "",
                  std::optional<absl::Duration> delay = std::nullopt)
      : kind_(kind), reason_(std::move(reason)), delay_(delay) {}

  Kind kind_;
  std::string reason_;
  std::optional<absl::Duration> delay_;
};

// Called for each delivery, on threads of the subscription; it may block.
using Handler = std::function<Settle(const Delivery& delivery)>;

// Called for each event of a tail, in order, on one thread of the subscription.
using TailHandler = std::function<void(const Delivery& delivery)>;

}  // namespace eventbus::client

#endif  // EVENTBUS_DELIVERY_H_
