#ifndef EVENTBUS_CLIENT_CLI_ADMIN_H_
#define EVENTBUS_CLIENT_CLI_ADMIN_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cpp/src/status.h"
#include "eventbus/v1/admin.grpc.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "grpcpp/client_context.h"

// What the commands share that operate a broker (service EventBusAdmin).
namespace eventbus::cli {

// A connection for one command. Its calls together may take --timeout, or the command's default.
class AdminConnection {
 public:
  explicit AdminConnection(const GlobalOptions& global,
                           absl::Duration default_timeout = absl::Seconds(30));

  // A unary call:
  //
  //   connection.Call(&v1::EventBusAdmin::Stub::GetGroup, request, &response);
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (v1::EventBusAdmin::Stub::*method)(grpc::ClientContext*,
                                                                    const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline_));
    return client::FromGrpc(((*stub_).*method)(&context, request, response));
  }

 private:
  const absl::Time deadline_;
  const std::unique_ptr<v1::EventBusAdmin::Stub> stub_;
};

// Says what went wrong, if anything did, and what the shell gets.
ExitCode Report(const GlobalOptions& global, const absl::Status& status);

// Asks for all pages of a list, up to `limit` items (0: all), and gives each answer to `print`.
// `Response` has a next_page_token.
template <typename Request, typename Response, typename Print>
absl::Status CallForPages(AdminConnection& connection,
                          grpc::Status (v1::EventBusAdmin::Stub::*method)(grpc::ClientContext*,
                                                                          const Request&,
                                                                          Response*),
                          Request request, uint64_t limit, Print print) {
  constexpr uint64_t kPage = 500;
  uint64_t left = limit == 0 ? UINT64_MAX : limit;
  for (;;) {
    request.set_page_size(static_cast<int32_t>(std::min(left, kPage)));
    Response response;
    absl::Status status = connection.Call(method, request, &response);
    if (!status.ok()) return status;
    left -= std::min<uint64_t>(left, print(response));
    if (left == 0 || response.next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(response.next_page_token());
  }
}

// One line of JSON, with the field names of the contract.
std::string JsonLine(const google::protobuf::Message& message);

// For people: "2026-01-31 08:00:00" in local time; "-" if absent.
std::string TimeText(bool present, const google::protobuf::Timestamp& time);

// "in-flight", of the name EVENT_STATE_IN_FLIGHT and the prefix "EVENT_STATE_".
std::string WordOf(absl::string_view value_name, absl::string_view prefix);

// Prints rows under a heading, in columns.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  // Cells may have any text in them, of anybody: control characters are not printed.
  void Add(std::vector<std::string> row);
  // The columns as wide as they need to be; numbers to the right.
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_ADMIN_H_
