#ifndef EVENTBUS_SERVER_BROKER_FIELD_VIOLATION_H_
#define EVENTBUS_SERVER_BROKER_FIELD_VIOLATION_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace eventbus {

// What is wrong with one field of something a client sent, in words meant for that client. It
// becomes a google.rpc.BadRequest field violation and the text of the gRPC status. A plain value.
//
//   FieldViolation violation{"type", "\"User Login\" is not a valid type: …"};
//   violation.Prefixed("events[3]").ToString();
//       // events[3].type: "User Login" is not a valid type: …
struct FieldViolation {
  // Path of the field, relative to the message that was checked: `type`, `attributes[time]`. Empty
  // when the message as a whole is wrong.
  std::string field;
  std::string description;
  // The bytes are at fault, which no correct Protobuf library writes, and not the value.
  bool malformed = false;

  // The same violation seen from the message that contains the checked one: the path gets `prefix`
  // and a dot before it, or becomes `prefix` when it was empty.
  FieldViolation Prefixed(absl::string_view prefix) const;

  // `field: description`, or the description alone when there is no field.
  std::string ToString() const;
};

// How many bytes of a client's value appear in a message at most.
inline constexpr size_t kMaxQuotedBytes = 64;

// `value` in double quotes for use in a message: everything but printable ASCII is escaped, so that
// arbitrary bytes can neither break a log line nor make the message invalid UTF-8. Values longer
// than kMaxQuotedBytes are cut and end in `"…`.
std::string QuoteForMessage(absl::string_view value);

// One character for use in a message: `character 'x'`, or `byte 0x0a` when it is not printable
// ASCII.
std::string DescribeCharacter(char character);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_FIELD_VIOLATION_H_
