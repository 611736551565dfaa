#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_COMMAND_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_COMMAND_H_

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// RedisCommand is one command in the form in which it goes over the wire (RESP), built argument by
// argument without a copy in between.
//
//   connection.Send(std::move(RedisCommand("XADD").Add(key).Add("*").Add("1").Add(value)));
class RedisCommand {
 public:
  // `size_hint`: about how many bytes the arguments will have.
  explicit RedisCommand(absl::string_view name, size_t size_hint = 0) {
    text_.reserve(kHeadRoom + size_hint + 128);
    text_.append(kHeadRoom, ' ');
    Add(name);
  }

  RedisCommand& Add(absl::string_view argument) {
    std::array<char, 24> head;
    head[0] = '$';
    char* end = std::to_chars(head.data() + 1, head.data() + head.size(), argument.size()).ptr;
    *end++ = '\r';
    *end++ = '\n';
    text_.append(head.data(), static_cast<size_t>(end - head.data()));
    text_.append(argument.data(), argument.size());
    text_.append("\r\n", 2);
    ++arguments_;
    return *this;
  }
  RedisCommand& Add(uint64_t number) { return Add(absl::AlphaNum(number).Piece()); }

  // What goes over the wire. Valid until the command changes or goes away.
  absl::string_view Wire() {
    // The number of arguments comes first and is known last: it stands right before them.
    const std::string head = absl::StrCat("*", arguments_, "\r\n");
    const size_t begin = kHeadRoom - head.size();
    text_.replace(begin, head.size(), head);
    return absl::string_view(text_).substr(begin);
  }

 private:
  // "*" and "\r\n" around the number of arguments.
  static constexpr size_t kHeadRoom = 16;

  std::string text_;
  size_t arguments_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_COMMAND_H_
