#include <cstdio>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/messages.h"
#include "eventbus/client.h"

namespace eventbus::cli {

int RunHealth(const GlobalOptions& global) {
  const absl::Duration timeout = global.timeout.value_or(absl::Seconds(5));
  absl::StatusOr<client::Client> client = client::Client::Connect(
      global.server, {.client_id = "eventbusctl", .connect_timeout = absl::ZeroDuration()});
  const absl::Status status = client.ok() ? client->CheckHealth(timeout) : client.status();
  if (status.ok()) {
    std::printf("serving\n");
    return kOk;
  }
  PrintError(absl::StrCat(global.server, ": ", status.message()));
  return kFailed;
}

}  // namespace eventbus::cli
