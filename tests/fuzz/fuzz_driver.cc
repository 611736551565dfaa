// Runs a fuzz target without libFuzzer, the same way each time, for a bounded number of inputs:
//
//   event_scanner_fuzz                 mutations of the target's own inputs
//   event_scanner_fuzz 1000000 7       that many of them, from that seed
//   event_scanner_fuzz crash-1 …       the inputs in these files
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/mutation.h"

namespace eventbus {
namespace {

constexpr uint64_t kDefaultRuns = 300000;
constexpr size_t kMaxInputBytes = 4096;
// A mutated input replaces one of this many, so that changes pile up without ever losing the seeds.
constexpr size_t kPoolSize = 256;

void RunInput(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

void RunMutations(uint64_t runs, uint64_t seed) {
  const std::vector<std::string> seeds = FuzzSeedInputs();
  for (const std::string& input : seeds) RunInput(input);
  std::mt19937_64 random(seed);
  std::vector<std::string> pool(kPoolSize, seeds.front());
  for (uint64_t run = 0; run < runs; ++run) {
    std::string& slot = pool[random() % pool.size()];
    // Start afresh often: an input that was changed many times is refused at its first byte.
    const std::string& base = random() % 4 == 0 ? slot : seeds[random() % seeds.size()];
    std::string input = Mutate(base, pool[random() % pool.size()], random);
    if (input.size() > kMaxInputBytes) input.resize(kMaxInputBytes);
    RunInput(input);
    slot = std::move(input);
  }
  std::printf("%llu inputs from seed %llu\n", static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(seed));
}

bool RunFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path);
    return false;
  }
  RunInput(std::string(std::istreambuf_iterator<char>(file), {}));
  return true;
}

int Main(int argc, char** argv) {
  uint64_t runs = kDefaultRuns;
  uint64_t seed = 1;
  if (argc == 1 || absl::SimpleAtoi(argv[1], &runs)) {
    if (argc > 2 && !absl::SimpleAtoi(argv[2], &seed)) return EXIT_FAILURE;
    RunMutations(runs, seed);
    return EXIT_SUCCESS;
  }
  for (int i = 1; i < argc; ++i) {
    if (!RunFile(argv[i])) return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace eventbus

int main(int argc, char** argv) { return eventbus::Main(argc, argv); }
