#include "tests/support/redis_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace eventbus {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "redis-server for tests: %s\n", what.c_str());
  std::abort();
}

// Whether somebody accepts connections there.
bool Accepts(const std::string& path) {
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const bool accepted =
      connect(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(socket_fd);
  return accepted;
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> options) : options_(std::move(options)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "eventbus-redis-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) Die("cannot make a directory");
  directory_ = pattern;
  socket_path_ = directory_ + "/redis.sock";
  Start();
}

RedisServer::~RedisServer() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void RedisServer::Start() {
  const char* const program = std::getenv("EVENTBUS_REDIS_SERVER");
  std::vector<std::string> words = {program == nullptr ? "redis-server" : program,
                                    "--port",
                                    "0",
                                    "--unixsocket",
                                    socket_path_,
                                    "--dir",
                                    directory_,
                                    "--save",
                                    "",
                                    "--daemonize",
                                    "no",
                                    "--logfile",
                                    directory_ + "/log"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // One that was killed has left its own.
  unlink(socket_path_.c_str());
  pid_ = fork();
  if (pid_ < 0) Die("cannot fork");
  if (pid_ == 0) {
    // It goes with the test program, however that ends.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!Accepts(socket_path_)) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      Die(WIFEXITED(status) && WEXITSTATUS(status) == 127
              ? "cannot be run; is it installed? (scripts/test installs it)"
              : "ended at once; see " + directory_ + "/log");
    }
    if (std::chrono::steady_clock::now() > until) Die("accepts no connections");
    usleep(5'000);
  }
}

void RedisServer::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void RedisServer::Freeze() { kill(pid_, SIGSTOP); }

void RedisServer::Thaw() { kill(pid_, SIGCONT); }

}  // namespace eventbus
