#ifndef EVENTBUS_SERVER_STORE_MAIL_H_
#define EVENTBUS_SERVER_STORE_MAIL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "server/store/entry.h"
#include "server/store/group_key.h"

// Mail: what one instance has to tell whoever has an entry that is pending, or takes it over: a
// part of StreamStore (stream_store.h). It is kept with the entry's pending state and goes with it.
namespace eventbus {

// All mail of one entry together; more is refused.
inline constexpr size_t kMaxMailBytes = size_t{64} << 10;
// What one answer brings of the mail of several entries.
inline constexpr size_t kMaxMailOfAnswer = size_t{1} << 20;

struct Mail {
  EntryId id;
  // Opaque to the store, and not empty. What is left later comes after what was left before.
  std::string text;
};

struct LeaveMailRequest {
  std::string stream;
  GroupKey group;
  std::vector<Mail> mail;
};

enum class MailOutcome {
  kLeft,
  // Nobody has the entry: it was not read yet, or is acknowledged.
  kNotPending,
  // There would be more than kMaxMailBytes.
  kFull,
};

// There is mail for an entry.
struct MailNotice {
  std::string stream;
  GroupKey group;
  EntryId id;
  // For whom the entry was pending when it was left.
  std::string consumer;

  friend auto operator<=>(const MailNotice&, const MailNotice&) = default;  // NOLINT: no pointer
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MAIL_H_
