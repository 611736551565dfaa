#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_COMMAND_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_COMMAND_H_

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// RedisCommand is one command in the form in which it goes over the wire (RESP), built argument by
// argument without a copy in between.
//
//   connection.Send(std::move(RedisCommand("XADD").Add(key).Add("*").Add("1").Add(value)));
class RedisCommand {
 public:
  // `size_hint`: about how many bytes the arguments will have. `buffer`: what a command before had
  // its text in, to be used again (TakeBuffer).
  explicit RedisCommand(absl::string_view name, size_t size_hint = 0, std::string buffer = {})
      : text_(std::move(buffer)) {
    Expect(size_hint + 128);
    Add(name);
  }
  // One that begins with the name and arguments of another (Arguments), so many with the name.
  RedisCommand(absl::string_view arguments, size_t count, size_t size_hint, std::string buffer)
      : text_(std::move(buffer)) {
    Expect(arguments.size() + size_hint + 128);
    AddWire(arguments, count);
  }

  RedisCommand& Add(absl::string_view argument) {
    char* out = Room(kMaxHead + argument.size() + 2);
    *out++ = '$';
    out = End(std::to_chars(out, out + kMaxHead, argument.size()).ptr);
    // A null argument has no bytes, and memcpy wants none of it.
    if (!argument.empty()) std::memcpy(out, argument.data(), argument.size());
    size_ = static_cast<size_t>(End(out + argument.size()) - text_.data());
    ++arguments_;
    return *this;
  }
  RedisCommand& Add(uint64_t number) { return Add(absl::AlphaNum(number).Piece()); }

  // Arguments that are in their form for the wire already, "$1\r\n*\r\n".
  RedisCommand& AddWire(absl::string_view wire, size_t arguments) {
    std::memcpy(Room(wire.size()), wire.data(), wire.size());
    size_ += wire.size();
    arguments_ += arguments;
    return *this;
  }

  // What goes over the wire. Valid until the command changes or goes away.
  absl::string_view Wire() {
    // The number of arguments comes first and is known last: it stands right before them.
    std::array<char, kHeadRoom> head;
    head[0] = '*';
    const char* const end =
        End(std::to_chars(head.data() + 1, head.data() + head.size(), arguments_).ptr);
    const auto size = static_cast<size_t>(end - head.data());
    const size_t begin = kHeadRoom - size;
    std::memcpy(text_.data() + begin, head.data(), size);
    return absl::string_view(text_.data() + begin, size_ - begin);
  }

  // The name and the arguments so far, as they go over the wire.
  absl::string_view Arguments() const {
    return absl::string_view(text_.data() + kHeadRoom, size_ - kHeadRoom);
  }

  // The memory of a command that is not needed any more.
  std::string TakeBuffer() && { return std::move(text_); }

 private:
  // Of an argument: "$", its size and "\r\n". The command's, "*", the number of arguments and
  // "\r\n", needs no more.
  static constexpr size_t kMaxHead = 24;
  static constexpr size_t kHeadRoom = kMaxHead;

  static char* End(char* out) {
    *out++ = '\r';
    *out++ = '\n';
    return out;
  }
  void Expect(size_t bytes) {
    if (text_.size() < kHeadRoom + bytes) text_.resize(kHeadRoom + bytes);
  }
  // Where the next `bytes` go.
  char* Room(size_t bytes) {
    if (size_ + bytes > text_.size()) text_.resize(std::max(size_ + bytes, 2 * text_.size()));
    return text_.data() + size_;
  }

  // Longer than what was written: bytes are written in place, without a look at the end each time.
  std::string text_;
  size_t size_ = kHeadRoom;
  size_t arguments_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_COMMAND_H_
