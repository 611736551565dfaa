#ifndef EVENTBUS_SERVER_BROKER_SETTLE_MAIL_H_
#define EVENTBUS_SERVER_BROKER_SETTLE_MAIL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/broker/settle_action.h"

namespace eventbus {

// What is settled by token on an instance that does not hold the event is left as mail with its
// entry (store/mail.h), for the instance that does, or for whoever takes the entry over. Mail stays
// until the entry is done with. The state record says how much of it was read, but may be lost with
// its writer; so what mail says has to be harmless the second time: an ack is, and a nack or reject
// names the attempt that it ends. Value type; any thread.
struct MailedSettle {
  // Of the event in its entry.
  uint32_t index = 0;
  SettleAction action;
  // Of the delivery that is settled.
  uint32_t attempt = 0;
  uint32_t times_delivered = 0;

  // Each is written with its length before it, then: a version byte (1), and as varints kind,
  // index, attempt, times delivered, 1 + duration in ms or 0; then the reason, to the end.
  void AppendTo(std::string* mail) const;

  friend bool operator==(const MailedSettle&, const MailedSettle&) = default;
};

// In the order in which they were left. What is malformed, or of a newer version, is left out.
std::vector<MailedSettle> ReadSettleMail(absl::string_view mail);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SETTLE_MAIL_H_
