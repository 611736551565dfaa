#include "server/rpc/attribute_filter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/broker/event_scanner.h"
#include "server/broker/reason.h"
#include "server/rpc/errors.h"

namespace eventbus {
namespace {

// As long as the longest source.
constexpr size_t kMaxValueBytes = kMaxEventSourceBytes;

bool IsAttributeName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxAttributeNameBytes) return false;
  // Neither is an attribute of an event here: the one has only one value, the other is no text.
  if (name == "specversion" || name == "data") return false;
  return std::all_of(name.begin(), name.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return absl::ascii_islower(byte) || absl::ascii_isdigit(byte);
  });
}

absl::StatusOr<AttributeCondition> ReadCondition(absl::string_view path,
                                                 const v1::AttributeCondition& condition) {
  const absl::string_view name(condition.attribute());
  if (!IsAttributeName(name)) {
    return InvalidField(absl::StrCat(path, ".attribute"),
                        absl::StrCat(QuoteForMessage(name),
                                     " is not the name of an attribute: id, source, type, or 1 to ",
                                     kMaxAttributeNameBytes, " of [a-z0-9]"));
  }
  AttributeCondition read;
  read.attribute = condition.attribute();
  absl::string_view field;
  switch (condition.match_case()) {
    case v1::AttributeCondition::kExact:
      read.match = AttributeCondition::Match::kExact;
      read.value = condition.exact();
      field = ".exact";
      break;
    case v1::AttributeCondition::kPrefix:
      read.match = AttributeCondition::Match::kPrefix;
      read.value = condition.prefix();
      field = ".prefix";
      break;
    case v1::AttributeCondition::kSuffix:
      read.match = AttributeCondition::Match::kSuffix;
      read.value = condition.suffix();
      field = ".suffix";
      break;
    case v1::AttributeCondition::MATCH_NOT_SET:
      return InvalidField(absl::StrCat(path, ".match"), "exact, prefix or suffix is required");
  }
  if (read.value.size() > kMaxValueBytes) {
    return InvalidField(absl::StrCat(path, field),
                        absl::StrCat("has ", read.value.size(), " bytes, at most ", kMaxValueBytes,
                                     " are allowed"));
  }
  return read;
}

}  // namespace

absl::StatusOr<AttributeFilter> ReadAttributeFilter(absl::string_view path,
                                                    const v1::AttributeFilter& filter) {
  const std::string conditions = absl::StrCat(path, ".conditions");
  const auto count = static_cast<size_t>(filter.conditions_size());
  if (count < 1 || count > AttributeFilter::kMaxConditions) {
    return InvalidField(conditions, absl::StrCat("has ", count, " conditions, 1 to ",
                                                 AttributeFilter::kMaxConditions, " are allowed"));
  }
  AttributeFilter read;
  for (int i = 0; i < filter.conditions_size(); ++i) {
    absl::StatusOr<AttributeCondition> condition =
        ReadCondition(absl::StrCat(conditions, "[", i, "]"), filter.conditions(i));
    if (!condition.ok()) return condition.status();
    read.conditions.push_back(*std::move(condition));
  }
  return read;
}

v1::AttributeFilter WriteAttributeFilter(const AttributeFilter& filter) {
  v1::AttributeFilter written;
  for (const AttributeCondition& condition : filter.conditions) {
    v1::AttributeCondition& one = *written.add_conditions();
    one.set_attribute(condition.attribute);
    switch (condition.match) {
      case AttributeCondition::Match::kExact:
        one.set_exact(condition.value);
        break;
      case AttributeCondition::Match::kPrefix:
        one.set_prefix(condition.value);
        break;
      case AttributeCondition::Match::kSuffix:
        one.set_suffix(condition.value);
        break;
    }
  }
  return written;
}

}  // namespace eventbus
