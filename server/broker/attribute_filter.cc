#include "server/broker/attribute_filter.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "server/broker/field_violation.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

// Field numbers of Event, of an entry of its map, of AttributeValue and of Timestamp.
constexpr uint32_t kId = 1;
constexpr uint32_t kSource = 2;
constexpr uint32_t kType = 4;
constexpr uint32_t kAttributes = 5;
constexpr uint32_t kMapKey = 1;
constexpr uint32_t kMapValue = 2;
constexpr uint32_t kCeBoolean = 1;
constexpr uint32_t kCeInteger = 2;
constexpr uint32_t kCeString = 3;
constexpr uint32_t kCeBytes = 4;
constexpr uint32_t kCeUri = 5;
constexpr uint32_t kCeUriRef = 6;
constexpr uint32_t kCeTimestamp = 7;
constexpr uint32_t kSeconds = 1;
constexpr uint32_t kNanos = 2;

// Calls `visit(number, varint, bytes)` for each field of the message that is a number or has a
// length, until one answers false. False if the message is malformed.
template <typename Visit>
bool VisitFields(absl::string_view message, Visit visit) {
  WireReader reader(message);
  while (!reader.AtEnd()) {
    uint32_t number;
    WireType type;
    if (!reader.ReadTag(&number, &type)) return false;
    uint64_t varint = 0;
    absl::string_view bytes;
    if (type == WireType::kVarint) {
      if (!reader.ReadVarint(&varint)) return false;
    } else if (type == WireType::kLengthDelimited) {
      if (!reader.ReadLengthDelimited(&bytes)) return false;
    } else {
      if (!reader.SkipValue(number, type)) return false;
      continue;
    }
    if (!visit(number, varint, bytes)) return true;
  }
  return true;
}

std::string TimestampText(absl::string_view timestamp) {
  int64_t seconds = 0;
  int32_t nanos = 0;
  VisitFields(timestamp, [&](uint32_t number, uint64_t varint, absl::string_view) {
    if (number == kSeconds) seconds = static_cast<int64_t>(varint);
    if (number == kNanos) nanos = static_cast<int32_t>(static_cast<uint32_t>(varint));
    return true;
  });
  std::string text =
      absl::FormatTime("%E4Y-%m-%dT%H:%M:%S", absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
  if (nanos != 0) {
    std::string digits = absl::StrCat(absl::Dec(nanos, absl::kZeroPad9));
    while (absl::EndsWith(digits, "000")) digits.resize(digits.size() - 3);
    absl::StrAppend(&text, ".", digits);
  }
  return absl::StrCat(text, "Z");
}

// The value of an attribute in its text form. `*scratch` keeps what had to be written; false if
// there is no value.
bool TextOf(absl::string_view attribute_value, std::string* scratch, absl::string_view* text) {
  bool found = false;
  VisitFields(attribute_value, [&](uint32_t number, uint64_t varint, absl::string_view bytes) {
    found = true;
    switch (number) {
      case kCeBoolean:
        *text = varint != 0 ? "true" : "false";
        break;
      case kCeInteger:
        *scratch = absl::StrCat(static_cast<int32_t>(static_cast<uint32_t>(varint)));
        *text = *scratch;
        break;
      case kCeString:
      case kCeUri:
      case kCeUriRef:
        *text = bytes;
        break;
      case kCeBytes:
        *scratch = absl::Base64Escape(bytes);
        *text = *scratch;
        break;
      case kCeTimestamp:
        *scratch = TimestampText(bytes);
        *text = *scratch;
        break;
      default:
        found = false;
    }
    return !found;
  });
  return found;
}

bool Meets(const AttributeCondition& condition, absl::string_view text) {
  const absl::string_view value(condition.value);
  switch (condition.match) {
    case AttributeCondition::Match::kExact:
      return text == value;
    case AttributeCondition::Match::kPrefix:
      return absl::StartsWith(text, value);
    case AttributeCondition::Match::kSuffix:
      return absl::EndsWith(text, value);
  }
  return false;
}

// Which conditions of a filter an event has met so far.
class Progress {
 public:
  explicit Progress(const std::vector<AttributeCondition>& conditions)
      : conditions_(conditions), open_(conditions.size()) {}

  bool all_met() const { return open_ == 0 && !failed_; }
  // Whether reading on can change anything.
  bool undecided() const { return open_ > 0 && !failed_; }

  // The event has this attribute. `text_of(&text)` is asked only if a condition is on it.
  template <typename Ask>
  void See(absl::string_view name, Ask text_of) {
    absl::string_view text;
    bool asked = false;
    for (size_t i = 0; i < conditions_.size() && !failed_; ++i) {
      const uint32_t bit = uint32_t{1} << i;
      if ((met_ & bit) != 0 || absl::string_view(conditions_[i].attribute) != name) continue;
      if (!asked && !text_of(&text)) return;
      asked = true;
      failed_ = !Meets(conditions_[i], text);
      met_ |= bit;
      --open_;
    }
  }

 private:
  const std::vector<AttributeCondition>& conditions_;
  size_t open_;
  uint32_t met_ = 0;
  bool failed_ = false;
};

void SeeAttribute(absl::string_view map_entry, std::string* scratch, Progress* progress) {
  absl::string_view name;
  absl::string_view value;
  VisitFields(map_entry, [&](uint32_t number, uint64_t, absl::string_view bytes) {
    if (number == kMapKey) name = bytes;
    if (number == kMapValue) value = bytes;
    return true;
  });
  progress->See(name, [&](absl::string_view* text) { return TextOf(value, scratch, text); });
}

absl::string_view MatchName(AttributeCondition::Match match) {
  switch (match) {
    case AttributeCondition::Match::kExact:
      return "exact";
    case AttributeCondition::Match::kPrefix:
      return "prefix";
    case AttributeCondition::Match::kSuffix:
      return "suffix";
  }
  return "";
}

}  // namespace

bool AttributeFilter::Matches(absl::string_view event) const {
  Progress progress(conditions);
  std::string scratch;
  const bool well_formed =
      VisitFields(event, [&](uint32_t number, uint64_t, absl::string_view bytes) {
        const auto itself = [bytes](absl::string_view* text) {
          *text = bytes;
          return true;
        };
        if (number == kId) progress.See("id", itself);
        if (number == kSource) progress.See("source", itself);
        if (number == kType) progress.See("type", itself);
        if (number == kAttributes) SeeAttribute(bytes, &scratch, &progress);
        return progress.undecided();
      });
  return well_formed && progress.all_met();
}

std::string AttributeFilter::ToString() const {
  return absl::StrCat("[",
                      absl::StrJoin(conditions, ", ",
                                    [](std::string* out, const AttributeCondition& condition) {
                                      absl::StrAppend(out, condition.attribute, " ",
                                                      MatchName(condition.match), " ",
                                                      QuoteForMessage(condition.value));
                                    }),
                      "]");
}

bool operator==(const AttributeFilter& a, const AttributeFilter& b) {
  if (a.conditions == b.conditions) return true;
  const auto sorted = [](std::vector<AttributeCondition> conditions) {
    std::sort(conditions.begin(), conditions.end());
    conditions.erase(std::unique(conditions.begin(), conditions.end()), conditions.end());
    return conditions;
  };
  return sorted(a.conditions) == sorted(b.conditions);
}

}  // namespace eventbus
