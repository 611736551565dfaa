#include "server/broker/entry_reader.h"

#include "absl/strings/str_cat.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

constexpr char kEventsTag = OneByteTag(1, WireType::kLengthDelimited);

}  // namespace

bool EntryReader::Next(FramedEvent* event) {
  if (failed_ || offset_ == entry_.size()) return false;
  const absl::string_view rest = entry_.substr(offset_);
  if (rest.front() != kEventsTag) {
    failed_ = true;
    return false;
  }
  WireReader reader(rest.substr(1));
  if (!reader.ReadLengthDelimited(&event->event)) {
    failed_ = true;
    return false;
  }
  event->framed = rest.substr(0, 1 + reader.offset());
  offset_ += event->framed.size();
  return true;
}

absl::Status EntryReader::status() const {
  if (!failed_) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the entry's value is not a list of events: malformed at offset ", offset_,
                   " of ", entry_.size(), " bytes"));
}

absl::StatusOr<size_t> CountEvents(absl::string_view entry) {
  EntryReader reader(entry);
  FramedEvent event;
  size_t count = 0;
  while (reader.Next(&event)) ++count;
  if (!reader.ok()) return reader.status();
  if (count == 0) return absl::DataLossError("the entry's value holds no event");
  return count;
}

absl::Status IndexEvents(absl::string_view entry, std::vector<uint32_t>* offsets) {
  offsets->clear();
  if (entry.size() > UINT32_MAX) {
    return absl::DataLossError(
        absl::StrCat("the entry's value of ", entry.size(), " bytes is too large"));
  }
  EntryReader reader(entry);
  FramedEvent event;
  size_t offset = 0;
  while (reader.Next(&event)) {
    offsets->push_back(static_cast<uint32_t>(offset));
    offset = reader.offset();
  }
  if (!reader.ok()) {
    offsets->clear();
    return reader.status();
  }
  if (offsets->empty()) return absl::DataLossError("the entry's value holds no event");
  offsets->push_back(static_cast<uint32_t>(offset));
  return absl::OkStatus();
}

}  // namespace eventbus
