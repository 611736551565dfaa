// The value of an entry from a store that others may have written to: the events found must cover
// it exactly, and all ways to read it must agree.
#include <cstdio>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "server/broker/entry_reader.h"
#include "server/broker/wire.h"
#include "tests/fuzz/fuzz_target.h"

namespace eventbus {
namespace {

void Require(bool condition, const char* what, absl::string_view entry) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, absl::BytesToHexString(entry).c_str());
  std::abort();
}

void CheckEntry(absl::string_view entry) {
  std::string joined;
  size_t count = 0;
  EntryReader reader(entry);
  FramedEvent event;
  while (reader.Next(&event)) {
    Require(event.framed.size() > event.event.size(), "a frame is larger than its event", entry);
    joined.append(event.framed.data(), event.framed.size());
    ++count;
  }
  std::vector<uint32_t> offsets;
  const bool indexed = IndexEvents(entry, &offsets).ok();
  const auto counted = CountEvents(entry);
  Require(indexed == counted.ok(), "IndexEvents and CountEvents agree", entry);
  Require(indexed == (reader.ok() && count > 0), "IndexEvents and EntryReader agree", entry);
  if (!indexed) return;
  Require(joined == entry, "the frames are the entry", entry);
  Require(*counted == count && offsets.size() == count + 1, "the counts agree", entry);
  Require(offsets.front() == 0 && offsets.back() == entry.size(), "the offsets span it", entry);
}

}  // namespace

std::vector<std::string> FuzzSeedInputs() {
  std::string three;
  AppendLengthDelimitedField(1, "one", &three);
  AppendLengthDelimitedField(1, "", &three);
  AppendLengthDelimitedField(1, std::string(300, 'x'), &three);
  std::string one;
  AppendLengthDelimitedField(1, "alone", &one);
  return {three, one, ""};
}

}  // namespace eventbus

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  eventbus::CheckEntry(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
