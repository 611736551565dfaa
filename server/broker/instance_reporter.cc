#include "server/broker/instance_reporter.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

// Changes within this time are told together.
constexpr absl::Duration kSoon = absl::Milliseconds(200);

}  // namespace

InstanceReporter::InstanceReporter(const Context* context, std::function<InstanceReport()> make)
    : context_(context),
      make_(std::move(make)),
      timer_(context->loop->CreateTimer([this] { Tell(); })) {}

void InstanceReporter::Start() {
  running_ = true;
  Tell();
}

void InstanceReporter::TellLast() {
  Tell();
  running_ = false;
  timer_->Disarm();
}

void InstanceReporter::NoteChange() {
  if (!running_ || std::exchange(soon_, true)) return;
  timer_->Arm(kSoon);
}

void InstanceReporter::Tell() {
  soon_ = false;
  timer_->Arm(context_->options->stats_interval);
  if (!context_->store_up) return;
  InstanceReport report = make_();
  const std::string json = ToJson(report);
  report.as_of = absl::UnixEpoch();
  std::string timeless = absl::StrCat(report.incarnation, " ", ToJson(report));
  if (report.CountSubscribers() == 0 && timeless == last_) return;
  last_ = std::move(timeless);
  context_->store->PutStats({report.incarnation, json},
                            lifetime_.Guard([this](const absl::Status& status) {
                              if (!status.ok()) last_.clear();
                            }));
}

}  // namespace eventbus
