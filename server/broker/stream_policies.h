#ifndef EVENTBUS_SERVER_BROKER_STREAM_POLICIES_H_
#define EVENTBUS_SERVER_BROKER_STREAM_POLICIES_H_

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/broker/broker_options.h"
#include "server/broker/pattern.h"

namespace eventbus {

// Which policy holds for which stream: the rules in their order, then the default. Immutable; any
// thread.
class StreamPolicies {
 public:
  // Rules whose pattern is not valid match nothing: configuration has refused them already.
  explicit StreamPolicies(const BrokerOptions& options);

  StreamPolicy For(absl::string_view type) const;

 private:
  StreamPolicy default_;
  std::vector<std::pair<Pattern, StreamPolicyRule>> rules_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_STREAM_POLICIES_H_
