#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/event_json.h"
#include "client/cli/event_text.h"
#include "client/cli/exit_code.h"
#include "client/cli/interrupt.h"
#include "client/cli/messages.h"
#include "eventbus/client.h"

namespace eventbus::cli {
namespace {

// How long the broker gets to confirm the last settlements.
constexpr absl::Duration kStopTimeout = absl::Seconds(5);
constexpr absl::Duration kOpenTimeout = absl::Seconds(10);
// How often an end of the subscription is looked for.
constexpr absl::Duration kPoll = absl::Milliseconds(200);

// Prints deliveries until there are enough. Print runs on the subscription's thread.
class Printer {
 public:
  Printer(const ReceiveOptions& options, Waker& enough)
      : options_(options), enough_(enough), colors_(isatty(STDOUT_FILENO) == 1) {}

  // The verdict: done once it is printed. What is not printed stays with the subscription, which
  // releases it when it stops.
  client::Settle Print(const client::Delivery& delivery) {
    if (finished()) return client::Settle::Leave();
    const std::string text = Format(delivery);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
        std::fflush(stdout) != 0) {
      output_closed_ = true;
      enough_.Wake();
      return client::Settle::Leave();
    }
    if (++printed_ == options_.count) enough_.Wake();
    return options_.no_ack ? client::Settle::Leave() : client::Settle::Ack();
  }

  bool finished() const {
    return output_closed_ || (options_.count > 0 && printed_ >= options_.count);
  }
  uint64_t printed() const { return printed_; }

 private:
  std::string Format(const client::Delivery& delivery) const {
    switch (options_.output) {
      case OutputFormat::kNdjson:
        return FormatEventLine(delivery.event()) + "\n";
      case OutputFormat::kRaw:
        return std::string(client::GetData(delivery.event()));
      case OutputFormat::kPretty:
        break;
    }
    return FormatPretty(delivery, colors_);
  }

  const ReceiveOptions& options_;
  Waker& enough_;
  const bool colors_;
  std::atomic<uint64_t> printed_ = 0;
  std::atomic<bool> output_closed_ = false;
};

// What is said on standard error, next to the events.
class Notes {
 public:
  explicit Notes(const ReceiveOptions& options) : options_(options) {}

  void Opened(const client::SubscriptionInfo& info) {
    if (lost_.exchange(false)) PrintError("connected again");
    if (opened_.exchange(true) || options_.quiet) return;
    const std::string what = absl::StrJoin(options_.patterns, " ");
    if (options_.tail) {
      std::fprintf(stderr, "tailing %s\n", what.c_str());
      return;
    }
    std::fprintf(stderr, "subscribed to %s as group %s%s\n", what.c_str(), info.group.c_str(),
                 info.group_created ? " (new)" : "");
    if (!info.group_created && options_.start) {
      PrintError("the group exists and goes on where it is: --from has no effect");
    }
  }

  void Interrupted(const absl::Status& why) {
    if (!lost_.exchange(true) && opened_) {
      PrintError(absl::StrCat("connection lost, trying again: ", why.message()));
    }
  }

 private:
  const ReceiveOptions& options_;
  std::atomic<bool> opened_ = false;
  std::atomic<bool> lost_ = false;
};

absl::StatusOr<std::unique_ptr<client::Subscription>> Subscribe(client::Client& client,
                                                                const ReceiveOptions& options,
                                                                Printer& printer, Notes& notes) {
  const auto on_open = [&notes](const client::SubscriptionInfo& info) { notes.Opened(info); };
  const auto on_interruption = [&notes](const absl::Status& why) { notes.Interrupted(why); };
  const client::StartAt start = options.start.value_or(client::StartAt::Latest());
  if (options.tail) {
    client::TailOptions tail;
    tail.start = start;
    tail.open_timeout = kOpenTimeout;
    tail.on_open = on_open;
    tail.on_interruption = on_interruption;
    return client.Tail(
        options.patterns,
        [&printer](const client::Delivery& delivery) { (void)printer.Print(delivery); }, tail);
  }
  client::SubscribeOptions subscribe;
  subscribe.group = options.group;
  subscribe.ephemeral = options.group.empty() || options.ephemeral;
  subscribe.start = start;
  subscribe.open_timeout = kOpenTimeout;
  subscribe.on_open = on_open;
  subscribe.on_interruption = on_interruption;
  // No more than will be printed: the rest is better off with other members of the group.
  constexpr uint64_t kDefaultInFlight = 1'000;
  if (options.count > 0 && options.count < kDefaultInFlight) {
    subscribe.max_in_flight = static_cast<uint32_t>(options.count);
  }
  return client.Subscribe(
      options.patterns, [&printer](const client::Delivery& d) { return printer.Print(d); },
      subscribe);
}

}  // namespace

int RunReceive(const GlobalOptions& global, const ReceiveOptions& options) {
  const Interrupt interrupt;
  Waker enough;
  Printer printer(options, enough);
  Notes notes(options);
  absl::StatusOr<client::Client> client = client::Client::Connect(
      global.server, {.client_id = "eventbusctl", .connect_timeout = absl::ZeroDuration()});
  if (!client.ok()) {
    PrintError(Explain(client.status()));
    return ExitCodeOf(client.status());
  }
  const absl::Time deadline =
      global.timeout ? absl::Now() + *global.timeout : absl::InfiniteFuture();
  absl::StatusOr<std::unique_ptr<client::Subscription>> subscription =
      Subscribe(*client, options, printer, notes);
  if (!subscription.ok()) {
    PrintError(Explain(subscription.status()));
    return ExitCodeOf(subscription.status());
  }
  Waker::Reason reason = Waker::Reason::kTimedOut;
  bool ended = false;
  do {
    reason = enough.Wait(interrupt, std::min(deadline, absl::Now() + kPoll));
    ended = (*subscription)->WaitFor(absl::ZeroDuration());
  } while (reason == Waker::Reason::kTimedOut && !ended && absl::Now() < deadline);

  const absl::Status stopped = (*subscription)->Stop(kStopTimeout);
  if (!stopped.ok()) {
    PrintError(Explain(stopped));
    return ExitCodeOf(stopped);
  }
  if (options.count > 0 && !printer.finished() && reason == Waker::Reason::kTimedOut) {
    PrintError(absl::StrCat("only ", printer.printed(), " of ", options.count,
                            " events came within ", absl::FormatDuration(*global.timeout)));
    return kTimedOut;
  }
  return kOk;
}

}  // namespace eventbus::cli
