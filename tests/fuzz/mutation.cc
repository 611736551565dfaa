#include "tests/fuzz/mutation.h"

#include <array>
#include <cstdint>

namespace eventbus {
namespace {

using namespace std::string_literals;

// Tags right and wrong, overlong and overflowing varints, groups open, closed and unmatched,
// unknown fields, whole small fields of an event, and UTF-8 at its edges.
const std::string& TroublesomePiece(std::mt19937_64& random) {
  static const auto& pieces =
      *new std::array<std::string, 32>{"\x00"s,
                                       "\x0a\x00"s,
                                       "\x12\x00"s,
                                       "\x1a\x00"s,
                                       "\x22\x00"s,
                                       "\x2a\x00"s,
                                       "\x32\x00"s,
                                       "\x3a\x00"s,
                                       "\x42\x00"s,
                                       "\x0a\x01x"s,
                                       "\x12\x01y"s,
                                       "\x1a\x03\x31.0"s,
                                       "\x22\x03"
                                       "a.b"s,
                                       "\x22\x03"
                                       "A B"s,
                                       "\x2a\x08\x0a\x01k\x12\x03\x1a\x01v"s,
                                       "\x2a\x06\x0a\x00\x12\x02\x08\x01"s,
                                       "\x2a\x0c\x0a\x04time\x12\x04\x3a\x02\x08\x01"s,
                                       "\x32\x01z"s,
                                       "\x3a\x01t"s,
                                       "\x42\x03\x0a\x01u"s,
                                       "\x4b\x4c"s,
                                       "\x4b\x53\x54\x4c"s,
                                       "\x4b"s,
                                       "\x4c"s,
                                       "\x48\x01"s,
                                       "\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,
                                       "\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s,
                                       "\x8a\x00\x01x"s,
                                       "\x0a\x81\x00x"s,
                                       "\xf8\xff\xff\xff\x0f\x01"s,
                                       "\xed\xa0\x80"s,
                                       "\xc3\xbc"s};
  return pieces[random() % pieces.size()];
}

}  // namespace

std::string Mutate(absl::string_view input, absl::string_view other, std::mt19937_64& random) {
  std::string output(input);
  const size_t position = random() % (output.size() + 1);
  const size_t size = random() % (output.size() - position + 1);
  switch (random() % 8) {
    case 0:
      if (position < output.size()) {
        output[position] = static_cast<char>(output[position] ^ (1 << (random() % 8)));
      }
      break;
    case 1:
      if (position < output.size()) output[position] = static_cast<char>(random());
      break;
    case 2:
      output.erase(position, 1 + size % 8);
      break;
    case 3:
      output.insert(position, output.substr(position, size));
      break;
    case 4:
      output.resize(position);
      break;
    case 5: {
      const size_t other_position = random() % (other.size() + 1);
      output.insert(position, std::string(other.substr(other_position)));
      break;
    }
    case 6:
      output.insert(position, TroublesomePiece(random));
      break;
    default:
      // At the end a piece meets the top level's fields rather than the middle of some value.
      output += TroublesomePiece(random);
      break;
  }
  return output;
}

}  // namespace eventbus
