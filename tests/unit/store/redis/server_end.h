#ifndef EVENTBUS_TESTS_UNIT_STORE_REDIS_SERVER_END_H_
#define EVENTBUS_TESTS_UNIT_STORE_REDIS_SERVER_END_H_

#include <unistd.h>

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace eventbus {

// The server's end of a socket, which does not block; closed with it.
class ServerEnd {
 public:
  ServerEnd() = default;
  ServerEnd(const ServerEnd&) = delete;
  ServerEnd& operator=(const ServerEnd&) = delete;
  ~ServerEnd() { Close(); }

  void Take(int socket) { socket_ = socket; }
  void Send(absl::string_view bytes) {
    ASSERT_EQ(write(socket_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  // All that has come.
  std::string Receive() {
    std::string all;
    std::array<char, 65536> piece;
    for (ssize_t size; (size = read(socket_, piece.data(), piece.size())) > 0;) {
      all.append(piece.data(), static_cast<size_t>(size));
    }
    return all;
  }
  void Close() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }

 private:
  int socket_ = -1;
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_UNIT_STORE_REDIS_SERVER_END_H_
