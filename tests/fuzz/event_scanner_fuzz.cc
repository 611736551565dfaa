// The bytes of an event from outside: what the scanner accepts, protobuf must read alike.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "absl/strings/string_view.h"
#include "tests/fuzz/event_differential.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const eventbus::Comparison comparison =
      eventbus::CompareWithProtobuf(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (comparison.verdict == eventbus::Verdict::kDisagreement) {
    std::fprintf(stderr, "%s\n", comparison.disagreement.c_str());
    std::abort();
  }
  return 0;
}

namespace eventbus {

std::vector<std::string> FuzzSeedInputs() {
  std::mt19937_64 random(42);
  std::vector<std::string> inputs;
  for (int i = 0; i < 200; ++i) inputs.push_back(MakeRandomEvent(random));
  return inputs;
}

}  // namespace eventbus
