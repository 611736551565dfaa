#include "server/broker/wire.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace eventbus {

absl::string_view WireErrorText(WireError error) {
  switch (error) {
    case WireError::kNone:
      return "no error";
    case WireError::kTruncated:
      return "the bytes end within a field";
    case WireError::kMalformedTag:
      return "malformed field tag";
    case WireError::kFieldNumberZero:
      return "field number 0";
    case WireError::kUnknownWireType:
      return "unknown wire type";
    case WireError::kMalformedVarint:
      return "varint of more than 64 bits";
    case WireError::kMalformedLength:
      return "length of more than 32 bits";
    case WireError::kUnmatchedGroup:
      return "unmatched end of a group";
    case WireError::kGroupsTooDeep:
      return "groups nested too deep";
  }
  return "unknown error";
}

bool WireReader::ReadTagSlow(uint32_t* field_number, WireType* wire_type) {
  // The position stays in front of a tag that is refused, so that offset() points at it.
  const uint8_t* position = position_;
  uint64_t tag = 0;
  int shift = 0;
  while (true) {
    if (position == end_) return Fail(WireError::kTruncated);
    const uint8_t byte = *position++;
    tag |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      // A last byte of zero adds nothing: the tag could be written shorter.
      if (byte == 0 && shift > 0) return Fail(WireError::kMalformedTag);
      break;
    }
    shift += 7;
    if (shift > 28) return Fail(WireError::kMalformedTag);
  }
  if (tag > UINT32_MAX) return Fail(WireError::kMalformedTag);
  if (tag >> 3 == 0) return Fail(WireError::kFieldNumberZero);
  if ((tag & 7) > 5) return Fail(WireError::kUnknownWireType);
  *field_number = static_cast<uint32_t>(tag >> 3);
  *wire_type = static_cast<WireType>(tag & 7);
  position_ = position;
  return true;
}

bool WireReader::ReadVarintSlow(uint64_t* value) {
  // All but the last one that there can be, which has one bit of the value.
  constexpr size_t kMaxFullBytes = kMaxVarintBytes - 1;
  const uint8_t* position = position_;
  const uint8_t* const full_end =
      position + std::min(kMaxFullBytes, static_cast<size_t>(end_ - position));
  uint64_t result = 0;
  for (int shift = 0; position != full_end; shift += 7) {
    const uint8_t byte = *position++;
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      position_ = position;
      *value = result;
      return true;
    }
  }
  position_ = position;
  if (position == end_) return Fail(WireError::kTruncated);
  const uint8_t last = *position_++;
  if (last > 1) return Fail(WireError::kMalformedVarint);
  *value = result | static_cast<uint64_t>(last) << 63;
  return true;
}

bool WireReader::ReadLengthSlow(size_t* size) {
  uint64_t result = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    if (position_ == end_) return Fail(WireError::kTruncated);
    const uint8_t byte = *position_++;
    if (shift == 28 && byte > 7) return Fail(WireError::kMalformedLength);
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *size = static_cast<size_t>(result);
      return true;
    }
  }
  return Fail(WireError::kMalformedLength);
}

bool WireReader::SkipBytes(size_t size) {
  if (size > static_cast<size_t>(end_ - position_)) return Fail(WireError::kTruncated);
  position_ += size;
  return true;
}

bool WireReader::SkipScalar(WireType wire_type) {
  uint64_t number;
  absl::string_view bytes;
  switch (wire_type) {
    case WireType::kVarint:
      return ReadVarint(&number);
    case WireType::kFixed64:
      return SkipBytes(8);
    case WireType::kLengthDelimited:
      return ReadLengthDelimited(&bytes);
    case WireType::kFixed32:
      return SkipBytes(4);
    case WireType::kStartGroup:
    case WireType::kEndGroup:
      break;
  }
  return Fail(WireError::kUnmatchedGroup);
}

bool WireReader::SkipGroup(uint32_t field_number) {
  std::array<uint32_t, kMaxGroupDepth> open_groups;
  open_groups[0] = field_number;
  size_t depth = 1;
  while (depth > 0) {
    WireType wire_type;
    if (!ReadTag(&field_number, &wire_type)) return false;
    if (wire_type == WireType::kStartGroup) {
      if (depth == open_groups.size()) return Fail(WireError::kGroupsTooDeep);
      open_groups[depth++] = field_number;
    } else if (wire_type == WireType::kEndGroup) {
      if (open_groups[--depth] != field_number) return Fail(WireError::kUnmatchedGroup);
    } else if (!SkipScalar(wire_type)) {
      return false;
    }
  }
  return true;
}

bool WireReader::SkipValue(uint32_t field_number, WireType wire_type) {
  return wire_type == WireType::kStartGroup ? SkipGroup(field_number) : SkipScalar(wire_type);
}

bool IsValidLongUtf8(absl::string_view text) {
  const auto* position = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* const end = position + text.size();
  const auto is_continuation = [](uint8_t byte) { return (byte & 0xc0) == 0x80; };
  while (true) {
    while (end - position >= 8) {
      uint64_t word;
      std::memcpy(&word, position, sizeof(word));
      if ((word & 0x8080808080808080u) != 0) break;
      position += 8;
    }
    while (position != end && *position < 0x80) ++position;
    if (position == end) return true;

    const uint8_t lead = *position;
    size_t size;
    // The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF.
    uint8_t second_min = 0x80;
    uint8_t second_max = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      size = 2;
    } else if ((lead & 0xf0) == 0xe0) {
      size = 3;
      if (lead == 0xe0) second_min = 0xa0;
      if (lead == 0xed) second_max = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      size = 4;
      if (lead == 0xf0) second_min = 0x90;
      if (lead == 0xf4) second_max = 0x8f;
    } else {
      return false;
    }
    if (static_cast<size_t>(end - position) < size) return false;
    if (position[1] < second_min || position[1] > second_max) return false;
    if (size >= 3 && !is_continuation(position[2])) return false;
    if (size == 4 && !is_continuation(position[3])) return false;
    position += size;
  }
}

void AppendVarint(uint64_t value, std::string* out) {
  std::array<char, kMaxVarintBytes> buffer;
  const char* end = WriteVarint(value, buffer.data());
  out->append(buffer.data(), static_cast<size_t>(end - buffer.data()));
}

void AppendTag(uint32_t field_number, WireType wire_type, std::string* out) {
  AppendVarint(uint64_t{field_number} << 3 | static_cast<uint64_t>(wire_type), out);
}

void AppendVarintField(uint32_t field_number, uint64_t value, std::string* out) {
  AppendTag(field_number, WireType::kVarint, out);
  AppendVarint(value, out);
}

void AppendLengthDelimitedField(uint32_t field_number, absl::string_view value, std::string* out) {
  AppendTag(field_number, WireType::kLengthDelimited, out);
  AppendVarint(value.size(), out);
  out->append(value.data(), value.size());
}

}  // namespace eventbus
