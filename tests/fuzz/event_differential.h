#ifndef EVENTBUS_TESTS_FUZZ_EVENT_DIFFERENTIAL_H_
#define EVENTBUS_TESTS_FUZZ_EVENT_DIFFERENTIAL_H_

#include <random>
#include <string>

#include "absl/strings/string_view.h"

namespace eventbus {

enum class Verdict { kRefused, kAccepted, kDisagreement };

struct Comparison {
  Verdict verdict = Verdict::kRefused;
  // For kDisagreement: what the scanner or the writer says and what protobuf says.
  std::string disagreement;
};

// Scans `bytes` as an event. If the scanner accepts them, libprotobuf's full parse has to accept
// them too and to read the same from them, nothing singular may be on the wire twice, and the event
// with all fill-ins, as the writer writes it, has to parse as the same event with these fields set.
Comparison CompareWithProtobuf(absl::string_view bytes);

// The encoding of a random event that the scanner accepts.
std::string MakeRandomEvent(std::mt19937_64& random);

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_FUZZ_EVENT_DIFFERENTIAL_H_
