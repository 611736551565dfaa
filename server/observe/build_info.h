// Which build this is.
#ifndef EVENTBUS_SERVER_OBSERVE_BUILD_INFO_H_
#define EVENTBUS_SERVER_OBSERVE_BUILD_INFO_H_

#include "absl/strings/string_view.h"

namespace eventbus {

struct BuildInfo {
  absl::string_view version;   // "0.1.0"
  absl::string_view commit;    // Short git commit, as of the last CMake run; "unknown" without git.
  absl::string_view compiler;  // "GNU 12.2.0"
  absl::string_view build_type;  // "RelWithDebInfo"
};

BuildInfo GetBuildInfo();

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_OBSERVE_BUILD_INFO_H_
