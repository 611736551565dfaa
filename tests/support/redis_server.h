#ifndef EVENTBUS_TESTS_SUPPORT_REDIS_SERVER_H_
#define EVENTBUS_TESTS_SUPPORT_REDIS_SERVER_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace eventbus {

// A real redis-server of a test's own, on a Unix socket in a directory of its own; both end with
// this object. The program is $EVENTBUS_REDIS_SERVER, else redis-server.
//
//   RedisServer redis;
//   Connect(redis.url());
class RedisServer {
 public:
  // Returns when it accepts connections; ends the test program if it does not. `options`: more for
  // its command line, such as {"--maxmemory", "10mb"}.
  explicit RedisServer(std::vector<std::string> options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  // What makes a server one that replicas can copy from, at a free port of the loopback interface;
  // and another one such a copy.
  static std::vector<std::string> MasterOptions();
  static std::vector<std::string> ReplicaOptions(const RedisServer& master);
  // What makes it speak TLS at a free port, with these PEM files, and ask for a certificate of the
  // same authority.
  static std::vector<std::string> TlsOptions(const std::string& cert_file,
                                             const std::string& key_file,
                                             const std::string& ca_file);
  // "--port": what stands behind it on the command line; empty: nothing.
  std::string Option(const std::string& name) const;
  // Of a master: until a replica has copied what there is and follows.
  void WaitForReplica();

  // The answer to a command ("XLEN key"), which waits for it: its text, or its number as text.
  std::string Ask(const std::string& command) const;

  const std::string& socket_path() const { return socket_path_; }
  // "unix:///tmp/…/redis.sock"
  std::string url() const { return "unix://" + socket_path_; }
  pid_t pid() const { return pid_; }

  // SIGKILL, and again with the same directory and options.
  void Kill();
  void Start();
  // SIGSTOP and SIGCONT.
  void Freeze();
  void Thaw();

 private:
  const std::vector<std::string> options_;
  std::string directory_;
  std::string socket_path_;
  pid_t pid_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_SUPPORT_REDIS_SERVER_H_
