#include "server/broker/wire.h"

#include <cstdint>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

using namespace std::string_literals;

struct ReadResult {
  bool ok;
  WireError error;
  bool at_end;
};

// Reads one field of any kind.
ReadResult ReadField(const std::string& bytes) {
  WireReader reader(bytes);
  uint32_t number;
  WireType type;
  const bool ok = reader.ReadTag(&number, &type) && reader.SkipValue(number, type);
  return {ok, reader.error(), reader.AtEnd()};
}

WireError ErrorOf(const std::string& bytes) {
  const ReadResult result = ReadField(bytes);
  EXPECT_EQ(result.ok, result.error == WireError::kNone);
  return result.error;
}

TEST(WireTest, VarintsComeBackAsTheyWereWritten) {
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{1}, uint64_t{127}, uint64_t{128}, uint64_t{16383}, uint64_t{16384},
        uint64_t{1} << 32, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()}) {
    std::string bytes;
    AppendVarint(value, &bytes);
    EXPECT_EQ(bytes.size(), VarintSize(value));
    WireReader reader(bytes);
    uint64_t read;
    ASSERT_TRUE(reader.ReadVarint(&read));
    EXPECT_EQ(read, value);
    EXPECT_TRUE(reader.AtEnd());
  }
}

TEST(WireTest, TagsComeBackAsTheyWereWritten) {
  for (const uint32_t number : {1u, 15u, 16u, 2047u, 2048u, 536870911u}) {
    std::string bytes;
    AppendTag(number, WireType::kFixed32, &bytes);
    WireReader reader(bytes);
    uint32_t read_number;
    WireType read_type;
    ASSERT_TRUE(reader.ReadTag(&read_number, &read_type));
    EXPECT_EQ(read_number, number);
    EXPECT_EQ(read_type, WireType::kFixed32);
  }
}

TEST(WireTest, LengthDelimitedFieldHasTheSizeThatWasPredicted) {
  for (const size_t size : {0u, 1u, 127u, 128u, 70000u}) {
    std::string bytes;
    AppendLengthDelimitedField(3, std::string(size, 'x'), &bytes);
    EXPECT_EQ(bytes.size(), LengthDelimitedSize(size));
  }
}

TEST(WireTest, LengthsMayBeLongerThanNeeded) {
  const std::string bytes = "\x82\x80\x80\x80\x00xy"s;
  WireReader reader(bytes);
  absl::string_view value;
  ASSERT_TRUE(reader.ReadLengthDelimited(&value));
  EXPECT_EQ(value, "xy");
}

TEST(WireTest, MalformedFieldsAreRefused) {
  EXPECT_EQ(ErrorOf("\x0a\x02x"s), WireError::kTruncated);
  EXPECT_EQ(ErrorOf("\x0a"s), WireError::kTruncated);
  EXPECT_EQ(ErrorOf("\x8a"s), WireError::kTruncated);
  EXPECT_EQ(ErrorOf("\x08\x80"s), WireError::kTruncated);
  EXPECT_EQ(ErrorOf("\x0d\x01\x02\x03"s), WireError::kTruncated);
  EXPECT_EQ(ErrorOf("\x09\x01\x02\x03\x04\x05\x06\x07"s), WireError::kTruncated);
  EXPECT_EQ(ErrorOf("\x0a\xff\xff\xff\xff\x07"s), WireError::kTruncated);
  EXPECT_EQ(ErrorOf("\x0a\xff\xff\xff\xff\x0f"s), WireError::kMalformedLength);
  EXPECT_EQ(ErrorOf("\x0a\x80\x80\x80\x80\x80\x00"s), WireError::kMalformedLength);
  EXPECT_EQ(ErrorOf("\x00\x01"s), WireError::kFieldNumberZero);
  EXPECT_EQ(ErrorOf("\x07\x01"s), WireError::kFieldNumberZero);
  EXPECT_EQ(ErrorOf("\x0e\x01"s), WireError::kUnknownWireType);
  EXPECT_EQ(ErrorOf("\x0f\x01"s), WireError::kUnknownWireType);
  EXPECT_EQ(ErrorOf("\x8a\x00\x00"s), WireError::kMalformedTag);
  EXPECT_EQ(ErrorOf("\x88\x80\x80\x80\x10\x00"s), WireError::kMalformedTag);
  EXPECT_EQ(ErrorOf("\x88\x80\x80\x80\x80\x01\x00"s), WireError::kMalformedTag);
}

TEST(WireTest, VarintsHoldAtMost64Bits) {
  EXPECT_EQ(ErrorOf("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s), WireError::kNone);
  EXPECT_EQ(ErrorOf("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s), WireError::kMalformedVarint);
  EXPECT_EQ(ErrorOf("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"s),
            WireError::kMalformedVarint);
}

TEST(WireTest, GroupsAreSkippedWithTheirContent) {
  // Group 1 { 2: varint, 3: { 4: bytes } }
  const ReadResult result = ReadField("\x0b\x10\x05\x1b\x22\x02xy\x1c\x0c"s);
  EXPECT_TRUE(result.ok);
  EXPECT_TRUE(result.at_end);
}

TEST(WireTest, GroupsMustCloseInOrder) {
  EXPECT_EQ(ErrorOf("\x0c"s), WireError::kUnmatchedGroup);
  EXPECT_EQ(ErrorOf("\x0b\x14"s), WireError::kUnmatchedGroup);
  EXPECT_EQ(ErrorOf("\x0b\x13\x0c\x14"s), WireError::kUnmatchedGroup);
  EXPECT_EQ(ErrorOf("\x0b\x10\x05"s), WireError::kTruncated);
  EXPECT_EQ(ErrorOf("\x0b\x00\x0c"s), WireError::kFieldNumberZero);
}

TEST(WireTest, GroupsMayBeNestedSixteenDeep) {
  EXPECT_EQ(ErrorOf(std::string(16, '\x0b') + std::string(16, '\x0c')), WireError::kNone);
  EXPECT_EQ(ErrorOf(std::string(17, '\x0b') + std::string(17, '\x0c')), WireError::kGroupsTooDeep);
  EXPECT_EQ(ErrorOf(std::string(1000000, '\x0b')), WireError::kGroupsTooDeep);
}

std::string Utf8(uint32_t code_point) {
  if (code_point < 0x80) return std::string(1, static_cast<char>(code_point));
  std::string text;
  if (code_point < 0x800) {
    text += static_cast<char>(0xc0 | code_point >> 6);
  } else if (code_point < 0x10000) {
    text += static_cast<char>(0xe0 | code_point >> 12);
    text += static_cast<char>(0x80 | (code_point >> 6 & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | code_point >> 18);
    text += static_cast<char>(0x80 | (code_point >> 12 & 0x3f));
    text += static_cast<char>(0x80 | (code_point >> 6 & 0x3f));
  }
  text += static_cast<char>(0x80 | (code_point & 0x3f));
  return text;
}

TEST(Utf8Test, AllCodePointsButSurrogatesAreValid) {
  for (uint32_t code_point = 0; code_point < 0x110400; ++code_point) {
    const bool is_surrogate = code_point >= 0xd800 && code_point < 0xe000;
    ASSERT_EQ(IsValidUtf8(Utf8(code_point)), !is_surrogate && code_point <= 0x10ffff) << code_point;
  }
}

TEST(Utf8Test, FaultsAreFoundWhereverTheyAre) {
  for (const std::string& fault :
       {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc3"s, "\xc3\x28"s, "\xe0\x9f\xbf"s,
        "\xe2\x82"s, "\xe2\x28\xa1"s, "\xe2\x82\x28"s, "\xed\xa0\x80"s, "\xf0\x8f\xbf\xbf"s,
        "\xf0\x9f\x99"s, "\xf0\x9f\x99\x28"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s,
        "\xfe"s}) {
    for (size_t before = 0; before < 20; ++before) {
      for (size_t after = 0; after < 20; ++after) {
        const std::string text = std::string(before, 'x') + fault + std::string(after, 'x');
        EXPECT_FALSE(IsValidUtf8(text)) << before << " " << after;
      }
    }
  }
}

TEST(Utf8Test, MixedTextIsValid) {
  for (size_t before = 0; before < 20; ++before) {
    EXPECT_TRUE(
        IsValidUtf8(std::string(before, 'x') + "größe 漢字 🙂" + std::string(before, 'y')));
  }
  EXPECT_TRUE(IsValidUtf8(""));
}

}  // namespace
}  // namespace eventbus
