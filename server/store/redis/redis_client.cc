#include "server/store/redis/redis_client.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_error.h"
#include "server/store/redis/redis_values.h"
#include "server/store/stream_store.h"

namespace eventbus {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(250);
constexpr uint32_t kMaxDoublings = 10;
// Memory that is kept for the next command.
constexpr size_t kMaxSpare = size_t{64} << 10;

}  // namespace

RedisClient::RedisClient(Loop* loop, Network* network, Listener* listener,
                         RedisClientOptions options)
    : loop_(loop),
      network_(network),
      listener_(listener),
      options_(std::move(options)),
      tick_timer_(loop->CreateTimer([this] { Tick(); })),
      connect_timer_(loop->CreateTimer([this] {
        Lose(absl::UnavailableError(
            absl::StrCat("no connection within ", absl::FormatDuration(options_.connect_timeout))));
      })),
      retry_timer_(loop->CreateTimer([this] { Attempt(); })),
      self_(std::make_shared<RedisClient*>(this)) {}

RedisClient::~RedisClient() { *self_ = nullptr; }

void RedisClient::Start() { Attempt(); }

// ---- Connecting ----

bool RedisClient::IsConnecting(uint64_t attempt) const {
  // Else it is too late: the attempt was given up.
  return state_ == State::kConnecting && attempts_ == attempt;
}

void RedisClient::Attempt() {
  state_ = State::kConnecting;
  ++attempts_;
  connect_timer_->Arm(options_.connect_timeout);
  if (!options_.address.socket_path.empty()) {
    connection_ = RedisConnection::ConnectUnix(loop_, network_, this, options_.address.socket_path);
    return;
  }
  if (options_.locator == nullptr) return OnLocated(options_.address.place);
  place_ = RedisPlace();
  options_.locator->Locate([self = self_, attempt = attempts_](absl::StatusOr<RedisPlace> place) {
    if (*self != nullptr && (*self)->IsConnecting(attempt)) (*self)->OnLocated(std::move(place));
  });
}

void RedisClient::OnLocated(absl::StatusOr<RedisPlace> place) {
  if (!place.ok()) return Lose(place.status());
  place_ = *std::move(place);
  network_->Resolve(place_.host, [self = self_, attempt = attempts_](
                                     absl::StatusOr<std::vector<std::string>> addresses) {
    if (*self == nullptr || !(*self)->IsConnecting(attempt)) return;
    (*self)->OnResolved(std::move(addresses));
  });
}

void RedisClient::OnResolved(absl::StatusOr<std::vector<std::string>> addresses) {
  if (!addresses.ok()) return Lose(addresses.status());
  // One address an attempt, in turn.
  const std::string& address = (*addresses)[attempts_ % addresses->size()];
  connection_ = RedisConnection::Connect(loop_, network_, this, address, place_.port,
                                         {options_.tls, place_.host});
}

void RedisClient::OnConnected() {
  state_ = State::kPreparing;
  Introduce();
}

void RedisClient::Introduce() {
  const RedisAddress& address = options_.address;
  const auto lose_on_error = [this](const absl::StatusOr<RedisReply>& reply) {
    if (!reply.ok() && state_ == State::kPreparing) Lose(reply.status());
  };
  if (!address.password.empty()) {
    RedisCommand auth("AUTH");
    if (!address.user.empty()) auth.Add(address.user);
    SendPreparing(std::move(auth.Add(address.password)), lose_on_error);
  }
  // A Sentinel has no databases.
  if (address.database != 0) {
    SendPreparing(std::move(RedisCommand("SELECT").Add(static_cast<uint64_t>(address.database))),
                  lose_on_error);
  }
  // Names are a courtesy to operators; a server that forbids them is served all the same.
  SendPreparing(std::move(RedisCommand("CLIENT").Add("SETNAME").Add(options_.name)),
                [this](const absl::StatusOr<RedisReply>&) {
                  if (state_ == State::kPreparing) listener_->OnPrepare();
                });
}

void RedisClient::SendPreparing(RedisCommand command, Answer answer) {
  due_.emplace_back(std::move(answer));
  Write(std::move(command));
}

void RedisClient::Prepared(const absl::Status& status) {
  if (state_ != State::kPreparing) return;
  if (!status.ok()) return Lose(status);
  if (options_.locator == nullptr) return BeginUp();
  // A server that hung through a failover still takes itself for the master when it wakes.
  options_.locator->Locate([self = self_, attempt = attempts_](absl::StatusOr<RedisPlace> place) {
    if (*self == nullptr || (*self)->attempts_ != attempt) return;
    if (place.ok()) (*self)->MovedTo(*place);
    if (*self == nullptr || (*self)->state_ != State::kPreparing) return;
    (*self)->BeginUp();
  });
}

void RedisClient::BeginUp() {
  state_ = State::kUp;
  failures_ = 0;
  connect_timer_->Disarm();
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    due_.push_back(std::move(waiting.due));
    Write(std::move(waiting.command));
  }
  waiting_bytes_ = 0;
  listener_->OnUp();
}

// ---- Speaking ----

void RedisClient::Send(RedisCommand command, Answer answer) {
  if (state_ != State::kUp) return Wait(std::move(command), Due(std::move(answer)));
  due_.emplace_back(std::move(answer));
  Write(std::move(command));
}

void RedisClient::SendForId(RedisCommand command, IdAnswer answer) {
  if (state_ != State::kUp) return Wait(std::move(command), Due(std::move(answer)));
  due_.emplace_back(std::move(answer));
  Write(std::move(command));
}

void RedisClient::Wait(RedisCommand command, Due due) {
  absl::Status problem = last_problem_;
  if (state_ != State::kDown) {
    const size_t size = command.Wire().size();
    if (waiting_.empty() || waiting_bytes_ + size <= options_.max_waiting_bytes) {
      waiting_bytes_ += size;
      waiting_.push_back({std::move(command), std::move(due)});
      return;
    }
    problem = absl::UnavailableError("too much waits for the connection to Redis");
  }
  loop_->Post(
      [self = self_, problem = NotDoneError(problem.message()), due = std::move(due)]() mutable {
        if (*self != nullptr) due.Give(problem);
      });
}

void RedisClient::Write(RedisCommand command) {
  if (due_.size() == 1) {
    silent_ticks_ = 0;
    connection_->Expect(Expects());
  }
  if (options_.answers_at_once && !is_near_ && !timed_at_.has_value()) BeginTiming();
  connection_->Send(command.Wire());
  spare_ = std::move(command).TakeBuffer();
  if (spare_.capacity() > kMaxSpare) spare_ = std::string();
  if (!tick_timer_->armed()) tick_timer_->Arm(kTick);
}

void RedisClient::BeginTiming() {
  timed_at_ = loop_->MonotonicNow();
  before_timed_ = due_.size() - 1;
}

void RedisClient::EndTiming() {
  is_near_ = loop_->MonotonicNow() - *timed_at_ <= options_.near;
  timed_at_.reset();
  connection_->Expect(Expects());
}

void RedisClient::Due::Give(const absl::StatusOr<RedisReply>& reply) {
  if (Answer* const answer = std::get_if<Answer>(&answer_); answer != nullptr) {
    return (*answer)(reply);
  }
  IdAnswer& answer = std::get<IdAnswer>(answer_);
  if (!reply.ok()) return answer(reply.status());
  if (reply->is_nil()) return answer(absl::NotFoundError("there is no such stream"));
  answer(ReadEntryId(*reply));
}

void RedisClient::OnReply(RedisReply reply) {
  silent_ticks_ = 0;
  if (due_.empty()) return Lose(absl::UnavailableError("a reply that nobody asked for"));
  Due due = std::move(due_.front());
  due_.pop_front();
  if (timed_at_.has_value() && before_timed_-- == 0) EndTiming();
  if (due_.empty()) connection_->Expect(false);
  if (!reply.is_error()) return due.Give(reply);
  const absl::Status status = StatusFromRedisError(reply.text());
  const bool ends = EndsConnection(reply.text());
  const std::shared_ptr<RedisClient*> self = self_;
  due.Give(status);
  if (ends && *self != nullptr) Lose(status);
}

void RedisClient::OnClosed(const absl::Status& why) { Lose(why); }

void RedisClient::Tick() {
  if (due_.empty()) return;
  tick_timer_->Arm(kTick);
  if (++silent_ticks_ * kTick < options_.reply_timeout) return;
  if (state_ != State::kUp) return;  // The connect timer's affair.
  Lose(absl::UnavailableError(
      absl::StrCat("no answer for ", absl::FormatDuration(options_.reply_timeout))));
}

void RedisClient::MovedTo(const RedisPlace& place) {
  if (attempts_ == 0 || place_ == place) return;
  // Not known yet: it is being asked for.
  if (state_ != State::kDown && place_.host.empty()) return;
  failures_ = 0;
  const std::shared_ptr<RedisClient*> self = self_;
  if (state_ != State::kDown) {
    Lose(absl::UnavailableError(absl::StrCat("the master is now ", place.ToString())));
  }
  if (*self != nullptr && state_ == State::kDown) retry_timer_->Arm(absl::ZeroDuration());
}

std::string RedisClient::Peer() const {
  if (options_.locator == nullptr || place_.host.empty()) return options_.address.ToString();
  return absl::StrCat(place_.ToString(), "/", options_.address.database, " (",
                      options_.address.master_name, ")");
}

absl::Status RedisClient::Named(const absl::Status& why) const {
  return absl::Status(why.code(), absl::StrCat("Redis at ", Peer(), ": ", why.message()));
}

void RedisClient::Lose(const absl::Status& why) {
  if (state_ == State::kDown) return;
  const bool was_up = state_ == State::kUp;
  last_problem_ = Named(why);
  state_ = State::kDown;
  silent_ticks_ = 0;
  // The next one may be another server.
  is_near_ = false;
  timed_at_.reset();
  tick_timer_->Disarm();
  connect_timer_->Disarm();
  connection_.reset();
  if (was_up) {
    retry_timer_->Arm(absl::ZeroDuration());
  } else {
    const absl::Duration full =
        std::min(options_.max_backoff,
                 options_.min_backoff * (uint64_t{1} << std::min(failures_, kMaxDoublings)));
    ++failures_;
    retry_timer_->Arm(full * absl::Uniform(random_, 0.5, 1.0));
  }
  // Any of these may destroy the client.
  const std::shared_ptr<RedisClient*> self = self_;
  const absl::Status unknown = OutcomeUnknownError(last_problem_.message());
  for (Due& due : std::exchange(due_, {})) {
    due.Give(unknown);
    if (*self == nullptr) return;
  }
  waiting_bytes_ = 0;
  const absl::Status not_done = NotDoneError(last_problem_.message());
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    waiting.due.Give(not_done);
    if (*self == nullptr) return;
  }
  listener_->OnDown(last_problem_);
}

}  // namespace eventbus
