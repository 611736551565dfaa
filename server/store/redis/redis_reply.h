#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_REPLY_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_REPLY_H_

#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// RedisReply looks at a reply, or a part of one, that hiredis owns: valid only while the callback
// that got it runs. What a reply is not, it is empty of, so that a strange reply leads to an empty
// value and not to a crash.
class RedisReply {
 public:
  RedisReply() = default;
  explicit RedisReply(const redisReply* reply) : reply_(reply) {}

  bool is_nil() const { return reply_ == nullptr || reply_->type == REDIS_REPLY_NIL; }
  bool is_error() const { return reply_ != nullptr && reply_->type == REDIS_REPLY_ERROR; }
  bool is_array() const { return reply_ != nullptr && reply_->type == REDIS_REPLY_ARRAY; }
  bool is_integer() const { return reply_ != nullptr && reply_->type == REDIS_REPLY_INTEGER; }
  // A string, a status or an error.
  bool is_text() const {
    if (reply_ == nullptr) return false;
    return reply_->type == REDIS_REPLY_STRING || reply_->type == REDIS_REPLY_STATUS ||
           reply_->type == REDIS_REPLY_ERROR;
  }

  absl::string_view text() const {
    if (reply_ == nullptr || !is_text()) return absl::string_view();
    return absl::string_view(reply_->str, static_cast<size_t>(reply_->len));
  }
  // An integer, or a text that is one; else 0.
  uint64_t number() const {
    if (is_integer()) return reply_->integer < 0 ? 0 : static_cast<uint64_t>(reply_->integer);
    uint64_t value = 0;
    return absl::SimpleAtoi(text(), &value) ? value : 0;
  }

  size_t size() const { return is_array() ? static_cast<size_t>(reply_->elements) : 0; }
  // Nil beyond the end.
  RedisReply operator[](size_t index) const {
    return index < size() ? RedisReply(reply_->element[index]) : RedisReply();
  }

 private:
  const redisReply* reply_ = nullptr;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_REPLY_H_
