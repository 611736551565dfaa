#ifndef EVENTBUS_CLIENT_CLI_POLICY_OPTIONS_H_
#define EVENTBUS_CLIENT_CLI_POLICY_OPTIONS_H_

#include "eventbus/v1/broker.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// The options of a group's policy; those that are given set their field. `policy` lives as long as
// the app.
void AddPolicyOptions(CLI::App& command, v1::GroupPolicy* policy);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_POLICY_OPTIONS_H_
