#ifndef EVENTBUS_CLIENT_CLI_LINE_READER_H_
#define EVENTBUS_CLIENT_CLI_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/interrupt.h"

namespace eventbus::cli {

// Lines of a file or of standard input (`-`), as they come; a Ctrl-C ends the wait for the next
// one. One thread.
class LineReader {
 public:
  static absl::StatusOr<LineReader> Open(const std::string& path, const Interrupt& interrupt);
  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;
  ~LineReader();

  enum class Result { kLine, kEnd, kInterrupted, kError };
  // The next line, without its end. `line` is valid until the next call.
  Result Next(absl::string_view& line);

  // Why Next said kError.
  const absl::Status& error() const { return error_; }
  // Whether Next has a line without waiting for more input.
  bool HasBufferedLine() const { return buffer_.find('\n', at_) != std::string::npos; }

  // For messages: the path, or `standard input`.
  const std::string& name() const { return name_; }
  uint64_t line_number() const { return line_number_; }
  uint64_t bytes_read() const { return bytes_read_; }
  // Size of a regular file; 0 for everything else.
  uint64_t bytes_total() const { return bytes_total_; }

 private:
  LineReader(int fd, std::string name, uint64_t bytes_total, const Interrupt& interrupt);

  int fd_;
  std::string name_;
  uint64_t bytes_total_;
  const Interrupt* interrupt_;
  std::string buffer_;
  size_t at_ = 0;
  bool at_end_ = false;
  uint64_t line_number_ = 0;
  uint64_t bytes_read_ = 0;
  absl::Status error_;
};

// All of a file, or of standard input (`-`).
absl::StatusOr<std::string> ReadWhole(const std::string& path);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_LINE_READER_H_
