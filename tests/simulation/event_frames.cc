#include "tests/simulation/event_frames.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"
#include "server/broker/wire.h"

namespace eventbus::simulation {
namespace {

constexpr uint32_t kIdField = 1;
constexpr uint32_t kSourceField = 2;
constexpr uint32_t kTypeField = 4;
constexpr uint32_t kDataField = 6;
// And some events have none.
constexpr uint64_t kKeys = 3;

SeenEvent Parse(absl::string_view event) {
  SeenEvent seen;
  WireReader reader(event);
  uint32_t field = 0;
  WireType type;
  absl::string_view value;
  while (reader.ReadTag(&field, &type)) {
    if (!reader.ReadLengthDelimited(&value)) break;
    if (field == kIdField) seen.id = std::string(value);
    if (field == kTypeField) seen.type = std::string(value);
    if (field == kDataField) seen.data = std::string(value);
  }
  return seen;
}

}  // namespace

std::string KeyOf(absl::string_view data) {
  uint64_t number = 0;
  if (data.empty() || !absl::SimpleAtoi(data.substr(1), &number)) return "";
  number %= kKeys + 1;
  return number == 0 ? "" : absl::StrCat("key-", number);
}

PublishCommand CommandOf(const std::vector<SentEvent>& events) {
  PublishCommand command;
  std::string framed;
  for (const SentEvent& sent : events) {
    std::string event;
    AppendLengthDelimitedField(kIdField, sent.id, &event);
    const std::string key = KeyOf(sent.data);
    if (!key.empty()) AppendLengthDelimitedField(kSourceField, key, &event);
    AppendLengthDelimitedField(kDataField, sent.data, &event);
    AppendLengthDelimitedField(kTypeField, sent.type, &event);
    PublishItem item;
    item.begin = static_cast<uint32_t>(framed.size());
    AppendLengthDelimitedField(1, event, &framed);
    item.end = static_cast<uint32_t>(framed.size());
    // The type is the last field.
    item.type_begin = item.end - static_cast<uint32_t>(sent.type.size());
    item.type_size = static_cast<uint32_t>(sent.type.size());
    item.id_given = true;
    command.items.push_back(item);
  }
  command.framed = Bytes::FromString(std::move(framed));
  return command;
}

std::vector<SeenEvent> EventsIn(absl::string_view frames) {
  std::vector<SeenEvent> events;
  EntryReader reader(frames);
  FramedEvent framed;
  while (reader.Next(&framed)) events.push_back(Parse(framed.event));
  return events;
}

}  // namespace eventbus::simulation
