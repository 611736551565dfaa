#include "server/rpc/page.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/broker/field_violation.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr int32_t kMaxPageSize = 1'000;
// Tells tokens from other text, and this kind from later ones.
constexpr absl::string_view kTokenPrefix = "p1.";

}  // namespace

absl::StatusOr<PageRequest> ReadPage(int32_t page_size, absl::string_view page_token) {
  PageRequest page;
  if (page_size < 0 || page_size > kMaxPageSize) {
    return InvalidField("page_size",
                        absl::StrCat("is ", page_size, ", must be from 1 to ", kMaxPageSize));
  }
  if (page_size > 0) page.size = static_cast<uint32_t>(page_size);
  if (page_token.empty()) return page;
  absl::string_view text = page_token;
  if (!absl::ConsumePrefix(&text, kTokenPrefix) ||
      !absl::WebSafeBase64Unescape(text, &page.after) || page.after.empty()) {
    return InvalidField("page_token", absl::StrCat(QuoteForMessage(page_token),
                                                   " is no next_page_token of this call"));
  }
  return page;
}

std::string WritePageToken(absl::string_view last) {
  return last.empty() ? std::string() : absl::StrCat(kTokenPrefix, absl::WebSafeBase64Escape(last));
}

}  // namespace eventbus
