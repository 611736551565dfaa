#include "server/broker/group_name.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

constexpr absl::string_view kPunctuation = "_.:/*-";

bool IsGroupNameCharacter(char character) {
  return absl::ascii_isalnum(static_cast<unsigned char>(character)) ||
         kPunctuation.find(character) != absl::string_view::npos;
}

}  // namespace

bool IsValidGroupName(absl::string_view name) { return !CheckGroupName(name).has_value(); }

std::optional<FieldViolation> CheckGroupName(absl::string_view name, absl::string_view field) {
  if (name.empty()) return FieldViolation{std::string(field), "is required"};
  if (name.size() > kMaxGroupNameBytes) {
    return FieldViolation{
        std::string(field),
        absl::StrCat(QuoteForMessage(name), " is not a valid group name: it has ", name.size(),
                     " bytes, at most ", kMaxGroupNameBytes, " are allowed")};
  }
  for (size_t i = 0; i < name.size(); ++i) {
    if (IsGroupNameCharacter(name[i])) continue;
    return FieldViolation{std::string(field),
                          absl::StrCat(QuoteForMessage(name),
                                       " is not a valid group name: ", DescribeCharacter(name[i]),
                                       " at offset ", i, " is not one of [A-Za-z0-9_.:/*-]")};
  }
  return std::nullopt;
}

}  // namespace eventbus
