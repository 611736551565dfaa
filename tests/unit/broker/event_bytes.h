#ifndef EVENTBUS_TESTS_UNIT_BROKER_EVENT_BYTES_H_
#define EVENTBUS_TESTS_UNIT_BROKER_EVENT_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/broker/wire.h"

// Serialized events written field by field, well formed or not, in the order of the calls:
//
//   EventBytes().Id("1").Type("order.created").Attribute("subject", StringValue("7")).bytes()
namespace eventbus {

class EventBytes {
 public:
  EventBytes& Field(uint32_t number, absl::string_view value) {
    AppendLengthDelimitedField(number, value, &bytes_);
    return *this;
  }
  EventBytes& Id(absl::string_view value) { return Field(1, value); }
  EventBytes& Source(absl::string_view value) { return Field(2, value); }
  EventBytes& SpecVersion(absl::string_view value) { return Field(3, value); }
  EventBytes& Type(absl::string_view value) { return Field(4, value); }
  EventBytes& BinaryData(absl::string_view value) { return Field(6, value); }
  EventBytes& TextData(absl::string_view value) { return Field(7, value); }
  EventBytes& ProtoData(absl::string_view value) { return Field(8, value); }

  // `value` is the encoding of an AttributeValue.
  EventBytes& Attribute(absl::string_view name, absl::string_view value) {
    return Field(5, EventBytes().Field(1, name).Field(2, value).bytes());
  }

  EventBytes& Raw(absl::string_view bytes) {
    bytes_.append(bytes.data(), bytes.size());
    return *this;
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Encodings of AttributeValue.
inline std::string StringValue(absl::string_view value) {
  return EventBytes().Field(3, value).bytes();
}

inline std::string IntegerValue(int32_t value) {
  std::string bytes;
  AppendVarintField(2, static_cast<uint64_t>(static_cast<int64_t>(value)), &bytes);
  return bytes;
}

inline std::string TimestampValue(int64_t seconds, int64_t nanos) {
  std::string timestamp;
  if (seconds != 0) AppendVarintField(1, static_cast<uint64_t>(seconds), &timestamp);
  if (nanos != 0) AppendVarintField(2, static_cast<uint64_t>(nanos), &timestamp);
  return EventBytes().Field(7, timestamp).bytes();
}

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_UNIT_BROKER_EVENT_BYTES_H_
