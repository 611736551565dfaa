#ifndef EVENTBUS_TESTS_FUZZ_MUTATION_H_
#define EVENTBUS_TESTS_FUZZ_MUTATION_H_

#include <random>
#include <string>

#include "absl/strings/string_view.h"

namespace eventbus {

// One random small change of `input`: a bit flipped, bytes removed, inserted or repeated, the end
// cut off, or a piece of protobuf's encoding with a reputation for trouble put in. `other` lends
// pieces to splice in. The same state of `random` gives the same change.
std::string Mutate(absl::string_view input, absl::string_view other, std::mt19937_64& random);

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_FUZZ_MUTATION_H_
