// What somebody who made a typing error may have meant.
#ifndef EVENTBUS_SERVER_CONFIG_DID_YOU_MEAN_H_
#define EVENTBUS_SERVER_CONFIG_DID_YOU_MEAN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace eventbus::settings {

// The candidate closest to `word` by edit distance (insert, delete, replace, swap of neighbours),
// or
// "" if none is close: at most one edit for three letters, at least one. Of equals the first.
std::string ClosestTo(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_DID_YOU_MEAN_H_
