#ifndef EVENTBUS_CLIENT_CLI_COMMANDS_H_
#define EVENTBUS_CLIENT_CLI_COMMANDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "eventbus/subscription.h"

// What each command does. Options come checked from the command line; the result is the exit code.
namespace eventbus::cli {

struct GlobalOptions {
  std::string server;
  // Unset: the command's own default.
  std::optional<absl::Duration> timeout;
};

struct PubOptions {
  std::string type;
  // As given: JSON or text, `@file`, `-` for standard input. Unset: no data.
  std::optional<std::string> data;
  std::string source;
  std::string id;
  std::string key;
  std::string content_type;
  // `name=value` each.
  std::vector<std::string> attributes;
  // Deliver it this long after, or at this time; at most one of them.
  std::optional<absl::Duration> after;
  std::optional<absl::Time> at;
  std::optional<absl::Duration> ttl;
  uint64_t count = 1;
  // A file or `-`. Empty: publish the one event of the options above.
  std::string ndjson;
  bool keep_going = false;
  bool quiet = false;
};
int RunPub(const GlobalOptions& global, const PubOptions& options);

enum class OutputFormat { kPretty, kNdjson, kRaw };

// Of both sub and tail; a tail has no group.
struct ReceiveOptions {
  bool tail = false;
  std::vector<std::string> patterns;
  std::string group;
  bool ephemeral = false;
  bool no_ack = false;
  std::optional<client::StartAt> start;
  // 0: without end.
  uint64_t count = 0;
  OutputFormat output = OutputFormat::kPretty;
  bool quiet = false;
};
int RunReceive(const GlobalOptions& global, const ReceiveOptions& options);

// `delayed list`: what waits for its delivery time.
struct DelayedListOptions {
  std::vector<std::string> patterns;
  std::optional<absl::Duration> due_within;
  // 0: all.
  uint64_t count = 0;
  bool ndjson = false;
};
int RunDelayedList(const GlobalOptions& global, const DelayedListOptions& options);
int RunDelayedCancel(const GlobalOptions& global, const std::vector<std::string>& schedule_ids);

int RunHealth(const GlobalOptions& global);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_COMMANDS_H_
