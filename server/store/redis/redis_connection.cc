#include "server/store/redis/redis_connection.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <utility>

#include "server/store/redis/redis_pipe.h"

namespace eventbus {
namespace {

// As much as Redis takes from a connection before it looks at the next one: enough to let it begin.
constexpr size_t kEarlyWriteBytes = size_t{16} << 10;

}  // namespace

// Belongs to hiredis' context, which has it destroyed at its end (`cleanup`), perhaps in the middle
// of a call from here: what follows such a call looks at `alive` first.
//
// hiredis makes the connection, and under TLS it reads and writes too. Otherwise a RedisPipe does.
class RedisConnection::Hooks {
 public:
  static Hooks* Attach(Loop* loop, Network* network, redisAsyncContext* context, bool tls) {
    auto* hooks = new Hooks(loop, context, tls);
    hooks->watcher_ = network->WatchSocket(
        context->c.fd, [hooks](Network::Readiness readiness) { hooks->OnReady(readiness); });
    context->ev.data = hooks;
    context->ev.addRead = [](void* data) { static_cast<Hooks*>(data)->SetReading(true); };
    context->ev.delRead = [](void* data) { static_cast<Hooks*>(data)->SetReading(false); };
    context->ev.addWrite = [](void* data) { static_cast<Hooks*>(data)->BeginWriting(); };
    context->ev.delWrite = [](void* data) { static_cast<Hooks*>(data)->SetWriting(false); };
    context->ev.cleanup = [](void* data) { delete static_cast<Hooks*>(data); };
    // To hear of the connection's success or failure.
    hooks->SetWriting(true);
    return hooks;
  }

  void Send(absl::string_view wire) {
    if (pipe_ == nullptr) {
      redisAsyncFormattedCommand(context_, &RedisConnection::OnReplyOf, nullptr, wire.data(),
                                 wire.size());
      return;
    }
    pipe_->Add(wire);
    // While more is being put together, the server works on what is there already. What goes wrong
    // is told by the write at the end of the turn.
    if (connected() && !blocked_ && pipe_->unsent_bytes() >= kEarlyWriteBytes) {
      WritePipe().IgnoreError();
    }
    WriteLater();
  }

  void Expect(bool soon) { watcher_->Expect(soon); }

 private:
  Hooks(Loop* loop, redisAsyncContext* context, bool tls)
      : loop_(loop),
        context_(context),
        pipe_(tls ? nullptr : std::make_unique<RedisPipe>(context->c.fd)),
        alive_(std::make_shared<bool>(true)) {}
  ~Hooks() { *alive_ = false; }

  bool connected() const { return (context_->c.flags & REDIS_CONNECTED) != 0; }

  void OnReady(Network::Readiness readiness) {
    const std::shared_ptr<bool> alive = alive_;
    if (readiness.readable && connected()) Read();
    if (*alive && readiness.writable) Write();
  }

  // hiredis has something to write, be it the connection.
  void BeginWriting() {
    if (in_write_ || !connected()) return SetWriting(true);
    if (!writing_) WriteLater();
  }

  // While the socket takes it, one write at the end of the turn does for all that was sent in it,
  // also by what was deferred; only what the socket does not take waits for the poll.
  void WriteLater() {
    if (write_deferred_ || blocked_) return;
    write_deferred_ = true;
    loop_->DeferToLast([this, alive = alive_] {
      if (!*alive) return;
      write_deferred_ = false;
      Write();
    });
  }

  void Write() {
    if (pipe_ != nullptr && connected()) {
      if (const absl::Status status = WritePipe(); !status.ok()) Fail(status);
      return;
    }
    const std::shared_ptr<bool> alive = alive_;
    in_write_ = true;
    redisAsyncHandleWrite(context_);
    if (*alive) in_write_ = false;
  }

  absl::Status WritePipe() {
    absl::Status status = pipe_->Write();
    blocked_ = status.ok() && pipe_->unsent_bytes() > 0;
    SetWriting(blocked_);
    return status;
  }

  void Read() {
    if (pipe_ == nullptr) return redisAsyncHandleRead(context_);
    const std::shared_ptr<bool> alive = alive_;
    const absl::Status status = pipe_->Read([this, &alive](RedisReply reply) {
      static_cast<RedisConnection*>(context_->data)->owner_->OnReply(reply);
      return *alive;
    });
    if (*alive && !status.ok()) Fail(status);
  }

  // Ends this object.
  void Fail(const absl::Status& why) {
    auto* connection = static_cast<RedisConnection*>(context_->data);
    connection->Abandon();
    connection->owner_->OnClosed(why);
  }

  void SetReading(bool reading) {
    if (reading == reading_) return;
    reading_ = reading;
    watcher_->Watch(reading_, writing_);
  }

  void SetWriting(bool writing) {
    if (writing == writing_) return;
    writing_ = writing;
    watcher_->Watch(reading_, writing_);
  }

  Loop* const loop_;
  redisAsyncContext* const context_;
  // Null under TLS.
  const std::unique_ptr<RedisPipe> pipe_;
  const std::shared_ptr<bool> alive_;
  std::unique_ptr<SocketWatcher> watcher_;
  bool reading_ = false;
  bool writing_ = false;
  bool in_write_ = false;
  bool write_deferred_ = false;
  // The socket has not taken all that the pipe has.
  bool blocked_ = false;
};

RedisConnection::RedisConnection(Loop* loop, Network* network, Owner* owner)
    : loop_(loop),
      network_(network),
      owner_(owner),
      self_(std::make_shared<RedisConnection*>(this)) {}

RedisConnection::~RedisConnection() {
  *self_ = nullptr;
  Abandon();
}

void RedisConnection::Abandon() {
  hooks_ = nullptr;
  redisAsyncContext* const context = std::exchange(context_, nullptr);
  if (context == nullptr) return;
  // hiredis calls back for every command that has no reply; nobody listens any more.
  context->data = nullptr;
  redisAsyncFree(context);
}

std::unique_ptr<RedisConnection> RedisConnection::Connect(Loop* loop, Network* network,
                                                          Owner* owner, const std::string& host,
                                                          int port, const Tls& tls) {
  std::unique_ptr<RedisConnection> connection(new RedisConnection(loop, network, owner));
  connection->Adopt(redisAsyncConnect(host.c_str(), port), tls);
  return connection;
}

std::unique_ptr<RedisConnection> RedisConnection::ConnectUnix(Loop* loop, Network* network,
                                                              Owner* owner,
                                                              const std::string& path) {
  std::unique_ptr<RedisConnection> connection(new RedisConnection(loop, network, owner));
  connection->Adopt(redisAsyncConnectUnix(path.c_str()), Tls());
  return connection;
}

void RedisConnection::Adopt(redisAsyncContext* context, const Tls& tls) {
  if (context == nullptr) return FailLater("out of memory");
  if (context->err != 0) {
    FailLater(context->errstr);
    redisAsyncFree(context);
    return;
  }
  if (tls.tls != nullptr) {
    absl::StatusOr<std::unique_ptr<RedisTls::Session>> session = tls.tls->Begin(context, tls.host);
    if (!session.ok()) {
      FailLater(std::string(session.status().message()).c_str());
      redisAsyncFree(context);
      return;
    }
    session_ = *std::move(session);
  }
  context_ = context;
  context->data = this;
  hooks_ = Hooks::Attach(loop_, network_, context, session_ != nullptr);
  redisAsyncSetConnectCallback(context, &RedisConnection::OnConnect);
  redisAsyncSetDisconnectCallback(context, &RedisConnection::OnDisconnect);
}

void RedisConnection::FailLater(const char* why) {
  loop_->Post([self = self_, text = std::string(why)] {
    if (*self != nullptr) (*self)->Closed(text.c_str());
  });
}

void RedisConnection::Closed(const char* why) {
  const std::string distrust = session_ == nullptr ? "" : session_->Distrust();
  if (!distrust.empty()) why = distrust.c_str();
  owner_->OnClosed(
      absl::UnavailableError(why == nullptr || *why == '\0' ? "connection closed" : why));
}

void RedisConnection::OnConnect(const redisAsyncContext* context, int status) {
  auto* self = static_cast<RedisConnection*>(context->data);
  if (self == nullptr) return;
  if (status == REDIS_OK) return self->owner_->OnConnected();
  // hiredis frees the context when this returns.
  self->context_ = nullptr;
  self->hooks_ = nullptr;
  // Copied into errstr only later.
  self->Closed(context->c.errstr);
}

void RedisConnection::OnDisconnect(const redisAsyncContext* context, int /*status*/) {
  auto* self = static_cast<RedisConnection*>(context->data);
  if (self == nullptr) return;
  self->context_ = nullptr;
  self->hooks_ = nullptr;
  self->Closed(context->errstr);
}

void RedisConnection::OnReplyOf(redisAsyncContext* context, void* reply, void* /*unused*/) {
  auto* self = static_cast<RedisConnection*>(context->data);
  // Without a reply the connection has broken, which OnDisconnect tells.
  if (self == nullptr || reply == nullptr) return;
  self->owner_->OnReply(RedisReply(static_cast<const redisReply*>(reply)));
}

void RedisConnection::Send(absl::string_view wire) {
  if (hooks_ != nullptr) hooks_->Send(wire);
}

void RedisConnection::Expect(bool soon) {
  if (hooks_ != nullptr) hooks_->Expect(soon);
}

}  // namespace eventbus
