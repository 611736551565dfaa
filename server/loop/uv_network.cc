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

// The handle outlives the watcher by the turn that libuv takes to close it.
class UvSocketWatcher final : public SocketWatcher {
 public:
  UvSocketWatcher(uv_loop_t* uv, int socket, absl::AnyInvocable<void(Network::Readiness)> on_ready)
      : handle_(new Handle{{}, std::move(on_ready)}) {
    uv_poll_init(uv, &handle_->poll, socket);
    handle_->poll.data = handle_;
  }

  ~UvSocketWatcher() override {
    uv_poll_stop(&handle_->poll);
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
             [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
  }

  UvSocketWatcher(const UvSocketWatcher&) = delete;
  UvSocketWatcher& operator=(const UvSocketWatcher&) = delete;

  void Watch(bool readable, bool writable) override {
    const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    if (events == 0) {
      uv_poll_stop(&handle_->poll);
    } else {
      uv_poll_start(&handle_->poll, events, &UvSocketWatcher::OnEvents);
    }
  }

 private:
  struct Handle {
    uv_poll_t poll;
    absl::AnyInvocable<void(Network::Readiness)> on_ready;
  };

  static void OnEvents(uv_poll_t* poll, int status, int events) {
    auto* handle = static_cast<Handle*>(poll->data);
    // Reading or writing a broken socket tells what is wrong with it.
    const bool broken = status < 0;
    handle->on_ready(
        {broken || (events & UV_READABLE) != 0, broken || (events & UV_WRITABLE) != 0});
  }

  Handle* const handle_;
};

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
  return std::make_unique<UvSocketWatcher>(loop_->uv(), socket, std::move(on_ready));
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
