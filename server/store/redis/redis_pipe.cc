#include "server/store/redis/redis_pipe.h"

#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <system_error>

namespace eventbus {
namespace {

constexpr size_t kReceiveBytes = size_t{64} << 10;
// Reads in a row, for what else there is to do.
constexpr int kMaxReads = 4;
// Memory that is kept for what comes next.
constexpr size_t kMaxSpareBytes = size_t{1} << 20;

absl::Status Failed(const char* what) {
  return absl::UnavailableError(what == nullptr || *what == '\0' ? "connection closed" : what);
}

// Takes a string of at most 99 bytes off the front of `bytes`, if one is there as a whole.
std::optional<absl::string_view> TakeShortString(absl::string_view* bytes) {
  constexpr size_t kHead = sizeof("$99\r\n") - 1;
  constexpr size_t kTail = sizeof("\r\n") - 1;
  const absl::string_view& text = *bytes;
  const auto is_digit = [&](size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() < kHead || text[0] != '$' || !is_digit(1) || !is_digit(2)) return std::nullopt;
  if (text[3] != '\r' || text[4] != '\n') return std::nullopt;
  const auto digit = [&](size_t at) { return static_cast<size_t>(text[at] - '0'); };
  const size_t size = digit(1) * 10 + digit(2);
  if (text.size() < kHead + size + kTail) return std::nullopt;
  if (text[kHead + size] != '\r' || text[kHead + size + 1] != '\n') return std::nullopt;
  const absl::string_view string = text.substr(kHead, size);
  bytes->remove_prefix(kHead + size + kTail);
  return string;
}

}  // namespace

RedisPipe::RedisPipe(int socket) : socket_(socket), reader_(redisReaderCreate()) {
  received_.resize(kReceiveBytes);
  if (reader_ != nullptr) reader_->maxbuf = kMaxSpareBytes;
}

absl::Status RedisPipe::Write() {
  while (failure_.ok() && sent_ < unsent_.size()) {
    const ssize_t size =
        send(socket_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
    if (size >= 0) {
      sent_ += static_cast<size_t>(size);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      failure_ = Failed(std::generic_category().message(errno).c_str());
    }
  }
  if (sent_ == unsent_.size()) {
    unsent_.clear();
    sent_ = 0;
    if (unsent_.capacity() > kMaxSpareBytes) unsent_.shrink_to_fit();
  } else if (sent_ > unsent_.size() / 2) {
    unsent_.erase(0, sent_);
    sent_ = 0;
  }
  return failure_;
}

absl::Status RedisPipe::Read(OnReply on_reply) {
  for (int reads = 0; reads < kMaxReads; ++reads) {
    const ssize_t size = recv(socket_, received_.data(), received_.size(), 0);
    if (size == 0) return Failed("Server closed the connection");
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return absl::OkStatus();
      return Failed(std::generic_category().message(errno).c_str());
    }
    bool gone = false;
    const absl::string_view bytes(received_.data(), static_cast<size_t>(size));
    const absl::Status status = Take(bytes, on_reply, &gone);
    if (gone || !status.ok()) return status;
    if (bytes.size() < received_.size()) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status RedisPipe::Take(absl::string_view bytes, OnReply on_reply, bool* gone) {
  while (!within_reply_ && !bytes.empty()) {
    const std::optional<absl::string_view> string = TakeShortString(&bytes);
    if (!string.has_value()) break;
    redisReply reply = {};
    reply.type = REDIS_REPLY_STRING;
    // Read only.
    reply.str = const_cast<char*>(string->data());  // NOLINT
    reply.len = string->size();
    *gone = !on_reply(RedisReply(&reply));
    if (*gone) return absl::OkStatus();
  }
  if (bytes.empty()) return absl::OkStatus();
  if (reader_ == nullptr) return Failed("out of memory");
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    return Failed(reader_->errstr);
  }
  within_reply_ = true;
  while (within_reply_) {
    void* read = nullptr;
    if (redisReaderGetReply(reader_.get(), &read) != REDIS_OK) return Failed(reader_->errstr);
    if (read == nullptr) return absl::OkStatus();
    within_reply_ = reader_->pos < reader_->len;
    const std::unique_ptr<void, void (*)(void*)> reply(read, freeReplyObject);
    *gone = !on_reply(RedisReply(static_cast<const redisReply*>(read)));
    if (*gone) return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace eventbus
