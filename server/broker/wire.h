#ifndef EVENTBUS_SERVER_BROKER_WIRE_H_
#define EVENTBUS_SERVER_BROKER_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

// The protobuf wire format, as much of it as the door and the entries need: a strict reader that
// allocates nothing, and functions that write. Where protobuf parsers differ or are lenient, the
// reader takes the narrow side: tags only in their shortest form, lengths in at most 5 bytes,
// varints in at most 10 and within 64 bits. Pure, for any thread.
namespace eventbus {

enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5,
};

// How deep unknown groups may be nested. Below the 100 levels that parsers allow for a whole
// message.
inline constexpr int kMaxGroupDepth = 16;

enum class WireError : uint8_t {
  kNone,
  kTruncated,
  kMalformedTag,
  kFieldNumberZero,
  kUnknownWireType,
  kMalformedVarint,
  kMalformedLength,
  kUnmatchedGroup,
  kGroupsTooDeep,
};

// The error in words, to be followed by " at offset …".
absl::string_view WireErrorText(WireError error);

// Reads one message's fields from front to back. Each function returns false and sets error() when
// the bytes are malformed; the reader is of no use after that. The bytes must outlive it.
class WireReader {
 public:
  explicit WireReader(absl::string_view bytes)
      : begin_(reinterpret_cast<const uint8_t*>(bytes.data())),
        position_(begin_),
        end_(begin_ + bytes.size()) {}

  bool AtEnd() const { return position_ == end_; }
  // Bytes read so far.
  size_t offset() const { return static_cast<size_t>(position_ - begin_); }

  // The value of a field of this one-byte tag (OneByteTag), if it comes next, is not empty and has
  // at most 127 bytes: most fields do. False, and nothing is read, if not.
  bool TakeShortField(char tag, absl::string_view* value) {
    if (end_ - position_ < 2 || position_[0] != static_cast<uint8_t>(tag)) return false;
    const size_t size = position_[1];
    if (size - 1 >= 0x7F || size > static_cast<size_t>(end_ - position_) - 2) return false;
    *value = absl::string_view(reinterpret_cast<const char*>(position_ + 2), size);
    position_ += 2 + size;
    return true;
  }
  WireError error() const { return error_; }

  // An end-group tag is returned like any other: it has no place in a message that is not a group.
  bool ReadTag(uint32_t* field_number, WireType* wire_type) {
    if (position_ != end_ && *position_ < 0x80) {
      *field_number = *position_ >> 3;
      const uint8_t type = *position_ & 7;
      if (*field_number != 0 && type <= 5) {
        *wire_type = static_cast<WireType>(type);
        ++position_;
        return true;
      }
    }
    return ReadTagSlow(field_number, wire_type);
  }

  bool ReadVarint(uint64_t* value) {
    if (position_ != end_ && *position_ < 0x80) {
      *value = *position_++;
      return true;
    }
    if (HasTwoBytes()) {
      *value = TakeTwoBytes();
      return true;
    }
    return ReadVarintSlow(value);
  }

  // The length and that many bytes.
  bool ReadLengthDelimited(absl::string_view* value) {
    size_t size;
    if (position_ != end_ && *position_ < 0x80) {
      size = *position_++;
    } else if (HasTwoBytes()) {
      size = TakeTwoBytes();
    } else if (!ReadLengthSlow(&size)) {
      return false;
    }
    if (size > static_cast<size_t>(end_ - position_)) return Fail(WireError::kTruncated);
    *value = absl::string_view(reinterpret_cast<const char*>(position_), size);
    position_ += size;
    return true;
  }

  // Goes past the value of a field whose tag was read; of a group, past its end tag. Its content is
  // checked for form only.
  bool SkipValue(uint32_t field_number, WireType wire_type);

 private:
  // A varint of two bytes comes, given that the first one is not the last.
  bool HasTwoBytes() const { return end_ - position_ >= 2 && position_[1] < 0x80; }
  uint32_t TakeTwoBytes() {
    const uint32_t value = (position_[0] & 0x7FU) | (static_cast<uint32_t>(position_[1]) << 7U);
    position_ += 2;
    return value;
  }
  bool ReadTagSlow(uint32_t* field_number, WireType* wire_type);
  bool ReadVarintSlow(uint64_t* value);
  bool ReadLengthSlow(size_t* size);
  bool SkipBytes(size_t size);
  bool SkipScalar(WireType wire_type);
  bool SkipGroup(uint32_t field_number);

  bool Fail(WireError error) {
    error_ = error;
    return false;
  }

  const uint8_t* begin_;
  const uint8_t* position_;
  const uint8_t* end_;
  WireError error_ = WireError::kNone;
};

// Whether all bytes are below 128. The last eight are looked at together, those among them that
// were seen before once more.
inline bool IsAscii(absl::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  const auto word_at = [&](size_t offset) {
    uint64_t word;
    std::memcpy(&word, text.data() + offset, sizeof(word));
    return word;
  };
  uint64_t bits = 0;
  if (text.size() < sizeof(uint64_t)) {
    for (const char character : text) bits |= static_cast<uint8_t>(character);
    return (bits & kHighBits) == 0;
  }
  const size_t last = text.size() - sizeof(uint64_t);
  for (size_t offset = 0; offset < last; offset += sizeof(uint64_t)) bits |= word_at(offset);
  return ((bits | word_at(last)) & kHighBits) == 0;
}

// True when `text` is UTF-8 as protobuf demands it of strings: no overlong forms, no surrogates,
// nothing above U+10FFFF. ASCII goes by eight bytes at a time.
bool IsValidLongUtf8(absl::string_view text);
// The same, faster for short texts, which mostly are ASCII. Long ones are not read twice for a
// single letter.
inline bool IsValidUtf8(absl::string_view text) {
  constexpr size_t kShort = 256;
  return (text.size() <= kShort && IsAscii(text)) || IsValidLongUtf8(text);
}

inline constexpr size_t kMaxVarintBytes = 10;

// Bytes that `value` takes as a varint: 1 to 10.
constexpr size_t VarintSize(uint64_t value) {
  size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

// Bytes of a length-delimited field with a one-byte tag (field numbers 1 to 15).
constexpr size_t LengthDelimitedSize(size_t value_size) {
  return 1 + VarintSize(value_size) + value_size;
}

// The one-byte tag of field numbers 1 to 15.
constexpr char OneByteTag(uint32_t field_number, WireType wire_type) {
  return static_cast<char>((field_number << 3) | static_cast<uint32_t>(wire_type));
}

// Writes `value` as a varint at `out`, which has room for it, and returns the end of what was
// written.
inline char* WriteVarint(uint64_t value, char* out) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

// The same for bytes, for the tag and length of a length-delimited field of one of the numbers 1 to
// 15 (OneByteTag), and for all of such a field.
inline char* WriteBytes(absl::string_view bytes, char* out) {
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}
inline char* WriteLengthDelimitedHead(char tag, size_t size, char* out) {
  *out++ = tag;
  return WriteVarint(size, out);
}
inline char* WriteLengthDelimitedField(char tag, absl::string_view value, char* out) {
  return WriteBytes(value, WriteLengthDelimitedHead(tag, value.size(), out));
}

void AppendVarint(uint64_t value, std::string* out);
void AppendTag(uint32_t field_number, WireType wire_type, std::string* out);
void AppendVarintField(uint32_t field_number, uint64_t value, std::string* out);
void AppendLengthDelimitedField(uint32_t field_number, absl::string_view value, std::string* out);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_WIRE_H_
