#ifndef EVENTBUS_TESTS_BENCH_LOAD_SLICE_CURSOR_H_
#define EVENTBUS_TESTS_BENCH_LOAD_SLICE_CURSOR_H_

#include <cstdint>
#include <vector>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace eventbus::bench {

// Reads a message where it lies, in the pieces in which it came. Trusts the server; of a message
// that is cut off it reads zeros.
class SliceCursor {
 public:
  explicit SliceCursor(const grpc::ByteBuffer& buffer) {
    if (!buffer.Dump(&slices_).ok()) slices_.clear();
    EnterSlice();
  }

  uint64_t offset() const { return passed_ + static_cast<uint64_t>(at_ - begin_); }
  bool AtEnd() const { return at_ == end_; }

  uint8_t Byte() {
    if (at_ == end_) return 0;
    const uint8_t byte = *at_++;
    if (at_ == end_) EnterSlice();
    return byte;
  }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = Byte();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  void Skip(uint64_t bytes) {
    while (bytes >= static_cast<uint64_t>(end_ - at_) && at_ != end_) {
      bytes -= static_cast<uint64_t>(end_ - at_);
      at_ = end_;
      EnterSlice();
    }
    if (at_ != end_) at_ += bytes;
  }

  // Skips the value of a field with this tag, which is no group.
  void SkipValue(uint64_t tag) {
    switch (tag & 7) {
      case 0:
        Varint();
        break;
      case 1:
        Skip(8);
        break;
      case 2:
        Skip(Varint());
        break;
      default:
        Skip(4);
    }
  }

 private:
  // To the next slice that is not empty, if this one is used up.
  void EnterSlice() {
    while (at_ == end_ && next_ < slices_.size()) {
      passed_ += static_cast<uint64_t>(end_ - begin_);
      const grpc::Slice& slice = slices_[next_++];
      begin_ = at_ = slice.begin();
      end_ = slice.end();
    }
  }

  std::vector<grpc::Slice> slices_;
  size_t next_ = 0;
  uint64_t passed_ = 0;
  const uint8_t* begin_ = nullptr;
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_SLICE_CURSOR_H_
