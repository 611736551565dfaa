#include "client/cli/admin.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "client/cli/messages.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace eventbus::cli {
namespace {

bool IsNumber(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isdigit(c) != 0 || c == '.' || c == '~';
  });
}

}  // namespace

AdminConnection::AdminConnection(const GlobalOptions& global, absl::Duration default_timeout)
    : deadline_(absl::Now() + global.timeout.value_or(default_timeout)),
      stub_(v1::EventBusAdmin::NewStub(
          grpc::CreateChannel(global.server, grpc::InsecureChannelCredentials()))) {}

ExitCode Report(const GlobalOptions& global, const absl::Status& status) {
  if (status.ok()) return kOk;
  const bool unreachable = status.code() == absl::StatusCode::kUnavailable;
  PrintError(unreachable ? absl::StrCat(global.server, ": ", Explain(status)) : Explain(status));
  return ExitCodeOf(status);
}

std::string JsonLine(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  // Fails for what cannot be in a message of ours.
  (void)google::protobuf::util::MessageToJsonString(message, &text, options);
  return text + "\n";
}

std::string TimeText(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return "-";
  const absl::Time at = absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", at, absl::LocalTimeZone());
}

std::string WordOf(absl::string_view value_name, absl::string_view prefix) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(value_name, prefix)),
                             {{"_", "-"}});
}

void Table::Add(std::vector<std::string> row) {
  for (std::string& cell : row) {
    for (char& c : cell) {
      if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = c == '\n' || c == '\t' ? ' ' : '?';
    }
  }
  rows_.push_back(std::move(row));
}

std::string Table::Text() const {
  std::vector<size_t> widths;
  std::vector<bool> numbers;
  for (const std::vector<std::string>& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    numbers.resize(widths.size(), true);
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
      if (&row != &rows_.front() && row[i] != "-" && !IsNumber(row[i])) numbers[i] = false;
    }
  }
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      absl::StrAppend(&line, i > 0 ? "  " : "", numbers[i] ? padding : "", row[i],
                      numbers[i] ? "" : padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

}  // namespace eventbus::cli
