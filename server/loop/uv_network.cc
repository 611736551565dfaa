#include "server/loop/uv_network.h"

#include <netdb.h>
#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

struct LookUp {
  uv_getaddrinfo_t request;
  std::string host;
  Network::Resolved done;
  std::shared_ptr<bool> alive;
};

std::vector<std::string> AddressesIn(const addrinfo* list) {
  std::vector<std::string> addresses;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text.data());
    }
  }
  return addresses;
}

void OnLookedUp(uv_getaddrinfo_t* request, int status, addrinfo* list) {
  const std::unique_ptr<LookUp> look_up(static_cast<LookUp*>(request->data));
  const std::vector<std::string> addresses = AddressesIn(list);
  uv_freeaddrinfo(list);
  if (!*look_up->alive) return;
  if (!addresses.empty()) return look_up->done(addresses);
  look_up->done(absl::UnavailableError(
      absl::StrCat("cannot find the host \"", look_up->host,
                   "\": ", status == 0 ? "it has no address" : uv_strerror(status))));
}

}  // namespace

std::unique_ptr<SocketWatcher> UvNetwork::WatchSocket(
    int socket, absl::AnyInvocable<void(Readiness)> on_ready) {
  return loop_->sockets().Watch(socket, std::move(on_ready));
}

void UvNetwork::Resolve(const std::string& host, Resolved done) {
  auto look_up = std::make_unique<LookUp>(LookUp{{}, host, std::move(done), alive_});
  look_up->request.data = look_up.get();
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const int begun = uv_getaddrinfo(loop_->uv(), &look_up->request, &OnLookedUp,
                                   look_up->host.c_str(), nullptr, &hints);
  if (begun == 0) {
    (void)look_up.release();  // OnLookedUp's from now on.
    return;
  }
  loop_->Post([begun, look_up = std::move(look_up)] {
    if (!*look_up->alive) return;
    look_up->done(absl::UnavailableError(
        absl::StrCat("cannot look up the host \"", look_up->host, "\": ", uv_strerror(begun))));
  });
}

}  // namespace eventbus
