#include "server/observe/build_info.h"

namespace eventbus {

BuildInfo GetBuildInfo() {
  return {.version = EVENTBUS_VERSION,
          .commit = EVENTBUS_COMMIT,
          .compiler = EVENTBUS_COMPILER,
          .build_type = EVENTBUS_BUILD_TYPE};
}

}  // namespace eventbus
