#ifndef EVENTBUS_TESTS_FUZZ_REFERENCE_MATCHER_H_
#define EVENTBUS_TESTS_FUZZ_REFERENCE_MATCHER_H_

#include "absl/strings/string_view.h"

namespace eventbus {

// What a valid pattern means, written down as plainly as possible, without regard to speed: the
// standard that Pattern is compared with. Exponential in the number of `**`.
bool ReferenceMatches(absl::string_view pattern, absl::string_view type);

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_FUZZ_REFERENCE_MATCHER_H_
