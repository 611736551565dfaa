#ifndef EVENTBUS_SERVER_STORE_BYTES_H_
#define EVENTBUS_SERVER_STORE_BYTES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace eventbus {

// Bytes is a view of immutable bytes together with a share in their owner. Copying it copies no
// bytes, so an event travels from the store to a thousand subscribers as one buffer. Any thread.
class Bytes {
 public:
  Bytes() = default;

  // Takes over `text`.
  static Bytes FromString(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    const absl::string_view view(owner->data(), owner->size());
    const size_t held = owner->capacity();
    return Bytes(std::move(owner), view, held);
  }

  // `view` must stay valid for as long as `owner` lives. `held`: how much memory the owner keeps;
  // 0: unknown.
  Bytes(std::shared_ptr<const void> owner, absl::string_view view, size_t held = 0)
      : owner_(std::move(owner)), data_(view.data()), size_(view.size()), held_(held) {}

  // A part of these bytes that shares their owner. REQUIRES: offset + size <= this->size().
  Bytes Slice(size_t offset, size_t size) const {
    return Bytes(owner_, absl::string_view(data_ + offset, size), held_);
  }

  absl::string_view view() const { return absl::string_view(data_, size_); }
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  // Memory that these bytes keep, perhaps together with others: a small part of a large buffer
  // keeps all of it. 0: unknown.
  size_t held() const { return held_; }

 private:
  std::shared_ptr<const void> owner_;
  const char* data_ = nullptr;
  size_t size_ = 0;
  size_t held_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_BYTES_H_
