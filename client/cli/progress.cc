#include "client/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace eventbus::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr absl::Duration kFirstDraw = absl::Milliseconds(500);
constexpr absl::Duration kRedraw = absl::Milliseconds(100);
constexpr char kEraseLine[] = "\r\x1b[K";

}  // namespace

Progress::Progress(bool quiet)
    : shown_(!quiet && isatty(STDERR_FILENO) == 1),
      started_(absl::Now()),
      next_(started_ + kFirstDraw) {}

Progress::~Progress() {
  if (drawn_) std::fputs(kEraseLine, stderr);
}

void Progress::Update(uint64_t events, double share) {
  if (!shown_) return;
  const absl::Time now = absl::Now();
  if (now < next_) return;
  next_ = now + kRedraw;
  drawn_ = true;
  std::fprintf(stderr, "%s%s", kEraseLine, ProgressLine(events, share, now - started_).c_str());
  std::fflush(stderr);
}

absl::Duration Progress::elapsed() const { return absl::Now() - started_; }

std::string ProgressLine(uint64_t events, double share, absl::Duration elapsed) {
  std::string line;
  if (share >= 0) {
    share = std::min(share, 1.0);
    const int filled = static_cast<int>(share * kBarWidth);
    absl::StrAppend(&line, "[", std::string(static_cast<size_t>(filled), '#'),
                    std::string(static_cast<size_t>(kBarWidth - filled), '.'), "] ",
                    static_cast<int>(share * 100), "%  ");
  }
  absl::StrAppend(&line, FormatCount(events), " events  ", FormatRate(events, elapsed));
  if (share > 0.01 && share < 1) {
    const absl::Duration left = elapsed * ((1 - share) / share);
    absl::StrAppend(&line, "  ", absl::FormatDuration(absl::Ceil(left, absl::Seconds(1))), " left");
  }
  return line;
}

std::string FormatCount(uint64_t count) {
  std::string digits = absl::StrCat(count);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), 1, ',');
  }
  return digits;
}

std::string FormatRate(uint64_t events, absl::Duration elapsed) {
  const double seconds = std::max(absl::ToDoubleSeconds(elapsed), 1e-6);
  const double rate = static_cast<double>(events) / seconds;
  if (rate >= 10'000) return absl::StrFormat("%.0fk/s", rate / 1000);
  return absl::StrFormat("%.0f/s", rate);
}

}  // namespace eventbus::cli
