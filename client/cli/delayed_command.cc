#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/event_json.h"
#include "client/cli/exit_code.h"
#include "client/cli/messages.h"
#include "client/cpp/src/convert.h"
#include "client/cpp/src/status.h"
#include "eventbus/v1/admin.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace eventbus::cli {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);
constexpr uint64_t kMostOfAPage = 1'000;

std::unique_ptr<v1::EventBusAdmin::Stub> Connect(const GlobalOptions& global) {
  return v1::EventBusAdmin::NewStub(
      grpc::CreateChannel(global.server, grpc::InsecureChannelCredentials()));
}

void SetDeadline(const GlobalOptions& global, grpc::ClientContext* context) {
  context->set_deadline(absl::ToChronoTime(absl::Now() + global.timeout.value_or(kDefaultTimeout)));
}

int Fail(const grpc::Status& status) {
  const absl::Status error = client::FromGrpc(status);
  PrintError(Explain(error));
  return ExitCodeOf(error);
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", client::FromProto(time), absl::UTCTimeZone());
}

void Print(const v1::DelayedEvent& delayed, bool ndjson) {
  if (ndjson) {
    std::printf("%s\n", FormatEventLine(delayed.event()).c_str());
    return;
  }
  std::printf("%s %s %s %s\n", TimeText(delayed.due_time()).c_str(), delayed.schedule_id().c_str(),
              delayed.event().type().c_str(), delayed.event().id().c_str());
}

}  // namespace

int RunDelayedList(const GlobalOptions& global, const DelayedListOptions& options) {
  const auto stub = Connect(global);
  v1::ListDelayedRequest request;
  for (const std::string& pattern : options.patterns) request.add_patterns(pattern);
  if (options.due_within.has_value()) {
    *request.mutable_due_before() = client::ToProto(absl::Now() + *options.due_within);
  }
  uint64_t left = options.count;
  do {
    request.set_page_size(
        static_cast<int32_t>(options.count == 0 ? kMostOfAPage : std::min(left, kMostOfAPage)));
    grpc::ClientContext context;
    SetDeadline(global, &context);
    v1::ListDelayedResponse response;
    const grpc::Status status = stub->ListDelayed(&context, request, &response);
    if (!status.ok()) return Fail(status);
    for (const v1::DelayedEvent& delayed : response.events()) Print(delayed, options.ndjson);
    left -= std::min(left, static_cast<uint64_t>(response.events_size()));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && (options.count == 0 || left > 0));
  return kOk;
}

int RunDelayedCancel(const GlobalOptions& global, const std::vector<std::string>& schedule_ids) {
  const auto stub = Connect(global);
  int code = kOk;
  for (const std::string& id : schedule_ids) {
    v1::CancelDelayedRequest request;
    request.set_schedule_id(id);
    grpc::ClientContext context;
    SetDeadline(global, &context);
    v1::CancelDelayedResponse response;
    const grpc::Status status = stub->CancelDelayed(&context, request, &response);
    if (status.ok()) {
      Print(response.cancelled(), /*ndjson=*/false);
      continue;
    }
    code = Fail(status);
  }
  return code;
}

}  // namespace eventbus::cli
