#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/commands.h"
#include "client/cli/event_json.h"
#include "client/cli/exit_code.h"
#include "client/cli/interrupt.h"
#include "client/cli/json_text.h"
#include "client/cli/line_reader.h"
#include "client/cli/messages.h"
#include "client/cli/progress.h"
#include "eventbus/client.h"

namespace eventbus::cli {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);
constexpr uint64_t kFailuresShown = 10;

absl::StatusOr<client::Event> MakeEvent(const PubOptions& options) {
  client::Event event;
  event.set_type(options.type);
  event.set_id(options.id.empty() ? client::NewEventId() : options.id);
  event.set_source(options.source);
  if (!options.key.empty()) client::SetAttribute(event, "partitionkey", options.key);
  for (const std::string& attribute : options.attributes) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(attribute, absl::MaxSplits('=', 1));
    if (absl::Status set = SetAttributeFromText(event, parts.first, parts.second); !set.ok()) {
      return set;
    }
  }
  if (!options.content_type.empty()) {
    client::SetAttribute(event, "datacontenttype", options.content_type);
  }
  if (!options.data) return event;

  std::string data = *options.data;
  if (data == "-" || absl::StartsWith(data, "@")) {
    absl::StatusOr<std::string> content = ReadWhole(data == "-" ? data : data.substr(1));
    if (!content.ok()) return content.status();
    data = *std::move(content);
  }
  const std::string& type = options.content_type;
  if (type.empty() ? !IsJson(data) && IsUtf8(data)
                   : absl::StartsWith(type, "text/") && IsUtf8(data)) {
    if (type.empty()) client::SetAttribute(event, "datacontenttype", "text/plain");
    event.set_text_data(std::move(data));
    return event;
  }
  if (type.empty() && IsJson(data)) {
    client::SetAttribute(event, "datacontenttype", "application/json");
  }
  event.set_binary_data(std::move(data));
  return event;
}

// Publishes one event or many over the fast path, tells of failures and sums up.
class Publishing {
 public:
  Publishing(client::Client& client, const GlobalOptions& global, const PubOptions& options,
             const Interrupt& interrupt)
      : options_(options),
        interrupt_(interrupt),
        timeout_(global.timeout.value_or(kDefaultTimeout)),
        progress_(options.quiet) {
    client::PublisherOptions publisher_options;
    publisher_options.delivery_timeout = timeout_;
    publisher_options.on_failure = [this](const client::Event& event, const absl::Status& status) {
      if (failures_++ < kFailuresShown) {
        PrintError(absl::StrCat("event ", event.id(), " of type ", event.type(),
                                " is not published: ", Explain(status)));
      }
    };
    publisher_ = client.NewPublisher(std::move(publisher_options));
  }

  int Repeat(client::Event event) {
    for (uint64_t i = 0; i < options_.count; ++i) {
      if (interrupted() || !MayGoOn()) break;
      if (i > 0) event.set_id(client::NewEventId());
      if (!Publish(event)) break;
      Show(static_cast<double>(i) / static_cast<double>(options_.count));
    }
    return Finish();
  }

  int FromLines(LineReader& lines) {
    while (MayGoOn()) {
      absl::string_view line;
      const LineReader::Result result = lines.Next(line);
      if (result == LineReader::Result::kInterrupted) interrupted_ = true;
      if (result == LineReader::Result::kError) {
        PrintError(lines.error().message());
        malformed_ = true;
      }
      if (result != LineReader::Result::kLine) break;
      if (line.find_first_not_of(" \t") == absl::string_view::npos) continue;
      absl::StatusOr<client::Event> event = ParseEventLine(line);
      if (!event.ok()) {
        PrintError(
            absl::StrCat(lines.name(), ":", lines.line_number(), ": ", event.status().message(),
                         options_.keep_going ? "" : "\n  stopped there; --keep-going skips it"));
        malformed_ = true;
        if (options_.keep_going) continue;
        break;
      }
      if (!Publish(*std::move(event))) break;
      Show(lines.bytes_total() == 0 ? -1.0
                                    : static_cast<double>(lines.bytes_read()) /
                                          static_cast<double>(lines.bytes_total()));
    }
    return Finish();
  }

 private:
  bool MayGoOn() const { return failures_ == 0 || options_.keep_going; }
  bool interrupted() {
    interrupted_ = interrupted_ || interrupt_.Requested();
    return interrupted_;
  }

  bool Publish(client::Event event) {
    const absl::Status accepted = publisher_->Publish(std::move(event));
    if (accepted.ok()) return true;
    PrintError(Explain(accepted));
    refused_ = accepted;
    return false;
  }

  void Show(double share) {
    // Asking costs a lock: not for each event.
    if (++published_ % 64 == 0) progress_.Update(publisher_->counts().confirmed, share);
  }

  int Finish() {
    const absl::Status flushed = publisher_->Flush(timeout_);
    const client::PublisherCounts counts = publisher_->counts();
    if (!options_.quiet) {
      std::fprintf(
          stderr, "published %s events in %s (%s)\n", FormatCount(counts.confirmed).c_str(),
          absl::FormatDuration(absl::Trunc(progress_.elapsed(), absl::Milliseconds(1))).c_str(),
          FormatRate(counts.confirmed, progress_.elapsed()).c_str());
    }
    if (counts.failed > kFailuresShown) {
      PrintError(absl::StrCat(FormatCount(counts.failed), " events were not published in all"));
    }
    if (counts.pending > 0) {
      PrintError(absl::StrCat(FormatCount(counts.pending),
                              " events are not confirmed: ", flushed.message()));
      return kTimedOut;
    }
    if (!refused_.ok()) return ExitCodeOf(refused_);
    if (counts.failed > 0) return ExitCodeOf(flushed);
    if (malformed_) return kFailed;
    return interrupted_ ? kInterrupted : kOk;
  }

  const PubOptions& options_;
  const Interrupt& interrupt_;
  const absl::Duration timeout_;
  Progress progress_;
  std::atomic<uint64_t> failures_ = 0;
  uint64_t published_ = 0;
  bool malformed_ = false;
  bool interrupted_ = false;
  absl::Status refused_;
  // Last: its callbacks use the others.
  std::unique_ptr<client::Publisher> publisher_;
};

int PublishOne(client::Client& client, const GlobalOptions& global, const PubOptions& options,
               client::Event event) {
  client::PublishOptions publish_options;
  publish_options.timeout = global.timeout.value_or(kDefaultTimeout);
  publish_options.deliver_after = options.after;
  publish_options.deliver_at = options.at;
  publish_options.ttl = options.ttl;
  const absl::StatusOr<client::Published> published =
      client.Publish(std::move(event), publish_options);
  if (!published.ok()) {
    PrintError(Explain(published.status()));
    return ExitCodeOf(published.status());
  }
  if (!options.quiet) {
    std::printf("%s %s %s%s\n", published->id.c_str(), published->stream.c_str(),
                published->schedule_id.empty() ? published->position.c_str()
                                               : published->schedule_id.c_str(),
                published->duplicate ? " duplicate" : "");
  }
  return kOk;
}

}  // namespace

int RunPub(const GlobalOptions& global, const PubOptions& options) {
  const Interrupt interrupt;
  // Before connecting: a typing error needs no broker.
  absl::StatusOr<client::Event> event = client::Event();
  std::unique_ptr<LineReader> lines;
  if (options.ndjson.empty()) {
    event = MakeEvent(options);
    if (!event.ok()) {
      PrintError(event.status().message());
      return kUsage;
    }
  } else {
    absl::StatusOr<LineReader> opened = LineReader::Open(options.ndjson, interrupt);
    if (!opened.ok()) {
      PrintError(opened.status().message());
      return kUsage;
    }
    lines = std::make_unique<LineReader>(*std::move(opened));
  }
  absl::StatusOr<client::Client> client = client::Client::Connect(
      global.server, {.client_id = "eventbusctl", .connect_timeout = absl::ZeroDuration()});
  if (!client.ok()) {
    PrintError(Explain(client.status()));
    return ExitCodeOf(client.status());
  }
  if (lines == nullptr && options.count == 1) {
    return PublishOne(*client, global, options, *std::move(event));
  }
  Publishing publishing(*client, global, options, interrupt);
  return lines != nullptr ? publishing.FromLines(*lines) : publishing.Repeat(*std::move(event));
}

}  // namespace eventbus::cli
