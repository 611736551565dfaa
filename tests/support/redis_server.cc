#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
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

// A connection to a Unix socket; negative if nobody accepts it.
int ConnectTo(const std::string& path) {
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  if (connect(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return socket_fd;
  }
  close(socket_fd);
  return -1;
}

bool Accepts(const std::string& path) {
  const int socket_fd = ConnectTo(path);
  if (socket_fd < 0) return false;
  close(socket_fd);
  return true;
}

// A port that was free a moment ago.
std::string FreePort() {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Die("no port is free");
  }
  close(socket_fd);
  return std::to_string(ntohs(address.sin_port));
}

}  // namespace

std::vector<std::string> RedisServer::MasterOptions() {
  // Without a delay, in which it would wait for further replicas to copy at once.
  return {"--port", FreePort(), "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"};
}

std::vector<std::string> RedisServer::ReplicaOptions(const RedisServer& master) {
  return {"--replicaof", "127.0.0.1", master.Option("--port")};
}

std::vector<std::string> RedisServer::TlsOptions(const std::string& cert_file,
                                                 const std::string& key_file,
                                                 const std::string& ca_file) {
  return {"--tls-port", FreePort(),       "--bind", "127.0.0.1",          "--tls-cert-file",
          cert_file,    "--tls-key-file", key_file, "--tls-ca-cert-file", ca_file};
}

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

void RedisServer::WaitForReplica() {
  // The number behind `name`; negative if there is none.
  const auto number = [](const std::string& text, const std::string& name) {
    const size_t at = text.find(name);
    return at == std::string::npos ? -1L : std::atol(text.c_str() + at + name.size());
  };
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    // Something that a replica has to hear of.
    Ask("PUBLISH nobody nothing");
    const std::string info = Ask("INFO replication");
    const long offset = number(info, ",offset=");
    if (offset > 0 && offset + 1'000 > number(info, "master_repl_offset:")) return;
    if (std::chrono::steady_clock::now() > until) Die("is copied by nobody");
    usleep(5'000);
  }
}

std::string RedisServer::Ask(const std::string& command) const {
  const int socket_fd = ConnectTo(socket_path_);
  if (socket_fd < 0) Die("cannot be asked: it accepts no connections");
  const std::string line = command + "\r\n";
  if (write(socket_fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    Die("cannot be asked");
  }
  std::string answer;
  const auto read_more = [&] {
    char buffer[4096];
    const ssize_t count = read(socket_fd, buffer, sizeof(buffer));
    if (count <= 0) Die("did not answer \"" + command + "\"");
    answer.append(buffer, static_cast<size_t>(count));
  };
  size_t end = std::string::npos;
  while ((end = answer.find("\r\n")) == std::string::npos) read_more();
  const std::string first = answer.substr(1, end - 1);
  // A text follows its length; all else is in the line.
  if (answer[0] == '$') {
    const size_t size = static_cast<size_t>(std::max(0L, std::atol(first.c_str())));
    while (answer.size() < end + 2 + size) read_more();
    close(socket_fd);
    return answer.substr(end + 2, size);
  }
  close(socket_fd);
  return first;
}

std::string RedisServer::Option(const std::string& name) const {
  const auto found = std::find(options_.begin(), options_.end(), name);
  return found == options_.end() || found + 1 == options_.end() ? "" : *(found + 1);
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
