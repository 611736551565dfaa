#ifndef EVENTBUS_SERVER_RPC_PAGE_H_
#define EVENTBUS_SERVER_RPC_PAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/broker/page_request.h"

// Pages of lists. A page token is opaque to clients: here it holds what the last item of a page is
// sorted by, as URL-safe text. Pure; any thread.
namespace eventbus {

// InvalidField for `page_size` unless it is 1 to 1,000 or absent (0), and for `page_token` unless
// WritePageToken made it.
absl::StatusOr<PageRequest> ReadPage(int32_t page_size, absl::string_view page_token);

// The token of the page behind an item that is sorted by this. Empty for empty: there is none.
std::string WritePageToken(absl::string_view last);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_PAGE_H_
