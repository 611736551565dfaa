#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_PIPE_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_PIPE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/store/redis/redis_reply.h"

namespace eventbus {

// RedisPipe is what goes over a plain socket to Redis once it is connected: commands out, replies
// in. Replies are read by hiredis' reader, but for those that are a short string, which an append
// is answered with: they need no memory. hiredis' own way of writing gets and frees memory with
// every command and every write, and reads 16 KiB at a time.
//
// Does not own the socket, which does not block. Owned by RedisConnection. Loop thread only.
class RedisPipe {
 public:
  // Gets a reply, which is valid during the call. False: the pipe is gone.
  using OnReply = absl::FunctionRef<bool(RedisReply)>;

  explicit RedisPipe(int socket);
  RedisPipe(const RedisPipe&) = delete;
  RedisPipe& operator=(const RedisPipe&) = delete;

  // To be written later.
  void Add(absl::string_view command) { unsent_.append(command.data(), command.size()); }
  size_t unsent_bytes() const { return unsent_.size() - sent_; }

  // Writes as much as the socket takes. UNAVAILABLE: it has failed, as each call says from then on.
  absl::Status Write();
  // Reads what there is. UNAVAILABLE: the socket has failed or ended, or what came is no reply.
  absl::Status Read(OnReply on_reply);

 private:
  struct ReaderDeleter {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };

  absl::Status Take(absl::string_view bytes, OnReply on_reply, bool* gone);

  const int socket_;
  std::string unsent_;
  // How much of it the socket has taken.
  size_t sent_ = 0;
  absl::Status failure_;
  std::string received_;
  std::unique_ptr<redisReader, ReaderDeleter> reader_;
  // The reader has the beginning of a reply.
  bool within_reply_ = false;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_PIPE_H_
