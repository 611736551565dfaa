#ifndef EVENTBUS_SERVER_BROKER_PATTERN_H_
#define EVENTBUS_SERVER_BROKER_PATTERN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace eventbus {

// An event type with wildcards, compiled. A wildcard is a whole segment:
//
//   *   exactly one segment; as the last segment, one or more. Alone, it matches every type.
//   **  zero or more segments, anywhere.
//   +   exactly one segment, anywhere, the last included.
//
//   billing.*     matches billing.credit_usage and billing.invoice.created.v1, not billing
//   billing.**    matches these and billing
//   billing.+     matches billing.credit_usage only
//   *.created     matches order.created, not shop.order.created
//
// A pattern without wildcards matches exactly its own text. Limits are those of a type: 16
// segments, 255 bytes. Immutable after Parse, so any thread may match with it; copyable.
class Pattern {
 public:
  // Refuses with INVALID_ARGUMENT, naming the pattern, what is wrong and where: `"a..b" is not a
  // valid pattern: …`.
  static absl::StatusOr<Pattern> Parse(absl::string_view text);

  // Whether `type` matches; `type` must be a valid event type. Allocates nothing, and takes time
  // linear in the length of `type` whatever the pattern.
  bool Matches(absl::string_view type) const;

  // True when there is no wildcard: the pattern is itself a type.
  bool is_exact() const { return kind_ == Kind::kExact; }

  const std::string& text() const { return text_; }

  friend bool operator==(const Pattern& left, const Pattern& right) {
    return left.text_ == right.text_;
  }

 private:
  enum class Kind {
    kExact,    // no wildcard
    kAll,      // `*` or `**` alone
    kBelow,    // literal segments, then `*`
    kGeneral,  // anything else
  };
  enum class Token : uint8_t { kLiteral, kOne, kMany };
  struct Segment {
    Token token;
    // Where a literal's text is in text_.
    uint8_t offset;
    uint8_t length;
  };

  Pattern() = default;

  void Compile();
  bool MatchesGeneral(absl::string_view type) const;

  std::string text_;
  Kind kind_ = Kind::kExact;
  // For kGeneral: the segments, a trailing `*` written as "one, then many".
  absl::InlinedVector<Segment, 8> segments_;
};

// The patterns of a group or a tail: matches a type when any of them does. Kept sorted and without
// repetitions, so two sets with the same patterns are equal whatever the order they were given in.
// Immutable after Parse, so any thread may match with it; copyable.
class PatternSet {
 public:
  // An empty set, which matches nothing.
  PatternSet() = default;

  // Refuses with INVALID_ARGUMENT naming the first bad pattern by its index: `patterns[2]: "a..b"
  // is not a valid pattern: …`. No patterns at all give the empty set; whether that is allowed is
  // the caller's decision.
  static absl::StatusOr<PatternSet> Parse(absl::Span<const std::string> texts);

  bool Matches(absl::string_view type) const;

  bool empty() const { return patterns_.empty(); }
  // Sorted by text.
  const std::vector<Pattern>& patterns() const { return patterns_; }

  friend bool operator==(const PatternSet& left, const PatternSet& right) {
    return left.patterns_ == right.patterns_;
  }

 private:
  std::vector<Pattern> patterns_;
  // The same patterns apart: a set of many exact ones costs one look-up.
  absl::flat_hash_set<std::string> exact_;
  std::vector<Pattern> wildcards_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_PATTERN_H_
