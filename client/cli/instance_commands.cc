#include "client/cli/instance_commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/admin.h"
#include "client/cli/admin_options.h"

namespace eventbus::cli {
namespace {

using Stub = v1::EventBusAdmin::Stub;

std::string RateText(double rate) { return absl::StrFormat("%.1f", rate); }

std::string StateText(v1::InstanceState state) {
  if (state == v1::INSTANCE_STATE_UNSPECIFIED) return "unknown";
  return WordOf(v1::InstanceState_Name(state), "INSTANCE_STATE_");
}

int ListInstances(const GlobalOptions& global, const AdminOutput& output) {
  AdminConnection connection(global);
  Table table(
      {"INSTANCE", "STATE", "VERSION", "STARTED", "SUBSCRIBERS", "GROUPS", "IN/S", "OUT/S"});
  const absl::Status status = CallForPages(
      connection, &Stub::ListInstances, v1::ListInstancesRequest(), output.limit,
      [&](const v1::ListInstancesResponse& page) {
        for (const v1::Instance& instance : page.instances()) {
          if (output.json) {
            std::fputs(JsonLine(instance).c_str(), stdout);
            continue;
          }
          table.Add({instance.instance_id(), StateText(instance.state()), instance.version(),
                     TimeText(instance.has_start_time(), instance.start_time()),
                     absl::StrCat(instance.subscribers()), absl::StrCat(instance.groups()),
                     RateText(instance.published_per_second()),
                     RateText(instance.delivered_per_second())});
        }
        return page.instances_size();
      });
  if (!output.json) std::fputs(table.Text().c_str(), stdout);
  return Report(global, status);
}

struct SubscriberOptions {
  v1::GetSubscriberStatsRequest request;
  AdminOutput output;
};

int ListSubscribers(const GlobalOptions& global, const SubscriberOptions& options) {
  AdminConnection connection(global);
  Table table({"SUBSCRIPTION", "CLIENT", "PEER", "GROUP", "IN-FLIGHT", "DELIVERED", "ACKED",
               "FAILED", "OUT/S", "LAST"});
  const absl::Status status = CallForPages(
      connection, &Stub::GetSubscriberStats, options.request, options.output.limit,
      [&](const v1::GetSubscriberStatsResponse& page) {
        for (const v1::SubscriberStats& one : page.subscribers()) {
          if (options.output.json) {
            std::fputs(JsonLine(one).c_str(), stdout);
            continue;
          }
          table.Add(
              {one.subscription_id(), one.client_id().empty() ? "-" : one.client_id(), one.peer(),
               one.group().empty() ? "tail of " + absl::StrJoin(one.patterns(), " ") : one.group(),
               absl::StrCat(one.in_flight()), absl::StrCat(one.delivered_events()),
               absl::StrCat(one.acked_events()), absl::StrCat(one.failed_events()),
               RateText(one.events_per_second()),
               TimeText(one.has_last_activity_time(), one.last_activity_time())});
        }
        return page.subscribers_size();
      });
  if (!options.output.json) std::fputs(table.Text().c_str(), stdout);
  return Report(global, status);
}

}  // namespace

void AddInstanceCommands(CLI::App& app, CommandLine& line) {
  CLI::App& instance = *app.add_subcommand("instance", "Daemons that share the store: list");
  instance.require_subcommand(1);
  CLI::App& instances = *instance.add_subcommand("list", "List them, with their load");
  auto output = std::make_shared<AdminOutput>();
  AddOutputOptions(instances, output.get());
  instances.callback([&line, output] {
    line.run = [output](const GlobalOptions& global) { return ListInstances(global, *output); };
  });

  CLI::App& subscriber = *app.add_subcommand("subscriber", "Who subscribes, everywhere: list");
  subscriber.require_subcommand(1);
  CLI::App& subscribers = *subscriber.add_subcommand("list", "List them, with how they fare");
  auto options = std::make_shared<SubscriberOptions>();
  subscribers
      .add_option_function<std::string>(
          "-g,--group", [options](const std::string& text) { options->request.set_group(text); },
          "Only members of this group")
      ->type_name("NAME");
  subscribers
      .add_option_function<std::string>(
          "--instance",
          [options](const std::string& text) { options->request.set_instance_id(text); },
          "Only those of this instance")
      ->type_name("INSTANCE");
  AddOutputOptions(subscribers, &options->output);
  subscribers.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) { return ListSubscribers(global, *options); };
  });
}

}  // namespace eventbus::cli
