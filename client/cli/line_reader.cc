#include "client/cli/line_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus::cli {
namespace {

constexpr size_t kChunk = 64 << 10;

absl::Status FileError(absl::string_view name) {
  const int error = errno;
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", std::strerror(error)));
}

// A descriptor of the file, or of standard input for `-`; negative on failure.
int OpenForReading(const std::string& path) {
  return path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

}  // namespace

LineReader::LineReader(int fd, std::string name, uint64_t bytes_total, const Interrupt& interrupt)
    : fd_(fd), name_(std::move(name)), bytes_total_(bytes_total), interrupt_(&interrupt) {}

LineReader::LineReader(LineReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      bytes_total_(other.bytes_total_),
      interrupt_(other.interrupt_) {}

LineReader::~LineReader() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<LineReader> LineReader::Open(const std::string& path, const Interrupt& interrupt) {
  const int fd = OpenForReading(path);
  if (fd < 0) return FileError(path);
  struct stat info = {};
  const bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  return LineReader(fd, path == "-" ? "standard input" : path,
                    regular ? static_cast<uint64_t>(info.st_size) : 0, interrupt);
}

LineReader::Result LineReader::Next(absl::string_view& line) {
  size_t searched = at_;
  while (true) {
    const size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos || (at_end_ && at_ < buffer_.size())) {
      const size_t stop = end != std::string::npos ? end : buffer_.size();
      line = absl::string_view(buffer_).substr(at_, stop - at_);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      at_ = stop < buffer_.size() ? stop + 1 : stop;
      ++line_number_;
      return Result::kLine;
    }
    if (at_end_) return Result::kEnd;
    buffer_.erase(0, std::exchange(at_, 0));
    searched = buffer_.size();

    std::array<pollfd, 2> waiting = {{{.fd = fd_, .events = POLLIN, .revents = 0},
                                      {.fd = interrupt_->fd(), .events = POLLIN, .revents = 0}}};
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) continue;
    if (waiting[1].revents != 0) return Result::kInterrupted;
    buffer_.resize(searched + kChunk);
    const ssize_t got = read(fd_, buffer_.data() + searched, kChunk);
    buffer_.resize(searched + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0) at_end_ = true;
    if (got > 0) bytes_read_ += static_cast<uint64_t>(got);
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
      error_ = FileError(name_);
      return Result::kError;
    }
  }
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  const int fd = OpenForReading(path);
  if (fd < 0) return FileError(path);
  std::string content;
  while (true) {
    const size_t size = content.size();
    content.resize(size + kChunk);
    const ssize_t got = read(fd, content.data() + size, kChunk);
    content.resize(size + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    const absl::Status status = got == 0 ? absl::OkStatus() : FileError(path);
    close(fd);
    if (!status.ok()) return status;
    return content;
  }
}

}  // namespace eventbus::cli
