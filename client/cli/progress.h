#ifndef EVENTBUS_CLIENT_CLI_PROGRESS_H_
#define EVENTBUS_CLIENT_CLI_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace eventbus::cli {

// How far a long command is: one line on standard error that redraws itself, if that is a terminal
// and the work takes longer than half a second. One thread.
class Progress {
 public:
  explicit Progress(bool quiet);
  // Takes the line away.
  ~Progress();

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `events` are done. `share` of the work is, from 0 to 1; negative if nobody knows. Draws at most
  // ten times a second.
  void Update(uint64_t events, double share);

  absl::Duration elapsed() const;

 private:
  bool shown_;
  bool drawn_ = false;
  absl::Time started_;
  absl::Time next_;
};

// `[#####·····]  52 %  1,040,000 events  410k/s  2 s left`. Pure.
std::string ProgressLine(uint64_t events, double share, absl::Duration elapsed);

// `1,040,000`, `410k/s`. Pure.
std::string FormatCount(uint64_t count);
std::string FormatRate(uint64_t events, absl::Duration elapsed);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_PROGRESS_H_
