#ifndef EVENTBUS_TESTS_FUZZ_FUZZ_TARGET_H_
#define EVENTBUS_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// What one fuzz target is made of. The function's name and signature are libFuzzer's, so that the
// target can be linked with it (EVENTBUS_LIBFUZZER) as well as with fuzz_driver.cc.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace eventbus {

// Inputs to start from. Only fuzz_driver.cc asks for them.
std::vector<std::string> FuzzSeedInputs();

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_FUZZ_FUZZ_TARGET_H_
