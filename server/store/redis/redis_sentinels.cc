#include "server/store/redis/redis_sentinels.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_reply.h"

namespace eventbus {
namespace {

constexpr absl::Duration kPollInterval = absl::Seconds(1);

// Of a flat list of names and values.
RedisReply ValueOf(absl::string_view name, RedisReply facts) {
  for (size_t i = 0; i + 1 < facts.size(); i += 2) {
    if (facts[i].text() == name) return facts[i + 1];
  }
  return RedisReply();
}

}  // namespace

class RedisSentinels::Question final : private RedisClient::Listener {
 public:
  Question(RedisSentinels* sentinels, RedisClientOptions options)
      : sentinels_(sentinels),
        client_(sentinels->loop_, sentinels->network_, this, std::move(options)) {}
  void Start() { client_.Start(); }

 private:
  void OnPrepare() override {
    const std::string& name = sentinels_->options_.address.master_name;
    // While a failover ends, only this command knows the new master already; only the other one
    // tells the epoch.
    client_.SendPreparing(
        std::move(RedisCommand("SENTINEL").Add("GET-MASTER-ADDR-BY-NAME").Add(name)),
        [this](const absl::StatusOr<RedisReply>& reply) { OnAddress(reply); });
    client_.SendPreparing(std::move(RedisCommand("SENTINEL").Add("MASTER").Add(name)),
                          [this](const absl::StatusOr<RedisReply>& reply) { OnFacts(reply); });
  }
  void OnUp() override {}
  void OnDown(const absl::Status& why) override { End(why); }

  void OnAddress(const absl::StatusOr<RedisReply>& reply) {
    if (!reply.ok() || reply->is_nil()) return;
    word_.master.host = std::string((*reply)[0].text());
    word_.master.port = static_cast<int>((*reply)[1].number());
  }

  void OnFacts(const absl::StatusOr<RedisReply>& reply) {
    const auto problem = [this](absl::string_view what) {
      return absl::UnavailableError(absl::StrCat("Sentinel at ", client_.Peer(), ": ", what));
    };
    if (!reply.ok()) return End(problem(reply.status().message()));
    if (word_.master.host.empty() || word_.master.port < 1 || word_.master.port > 65535) {
      return End(problem("it gave no address"));
    }
    word_.epoch = ValueOf("config-epoch", *reply).number();
    End(word_);
  }

  // Only its first word counts: an answer of an error may end the connection too.
  void End(const absl::StatusOr<Word>& word) {
    if (!std::exchange(ended_, true)) sentinels_->OnWord(word);
  }

  RedisSentinels* const sentinels_;
  Word word_;
  bool ended_ = false;
  RedisClient client_;
};

RedisSentinels::RedisSentinels(Loop* loop, Network* network, RedisClientOptions options,
                               absl::AnyInvocable<void(const RedisPlace&)> on_moved)
    : loop_(loop),
      network_(network),
      options_(std::move(options)),
      on_moved_(std::move(on_moved)),
      poll_timer_(loop->CreateTimer([this] {
        if (open_ == 0) AskAll();
      })),
      alive_(std::make_shared<bool>(true)) {}

RedisSentinels::~RedisSentinels() { *alive_ = false; }

void RedisSentinels::Locate(absl::AnyInvocable<void(absl::StatusOr<RedisPlace>)> done) {
  if (open_ > 0) return late_.push_back(std::move(done));
  waiting_.push_back(std::move(done));
  AskAll();
}

void RedisSentinels::AskAll() {
  best_.reset();
  open_ = options_.address.sentinels.size();
  for (const RedisPlace& place : options_.address.sentinels) {
    RedisClientOptions options;
    options.address.place = place;
    options.address.password = options_.address.sentinel_password;
    options.name = options_.name;
    // Up to four rounds are part of one connection to the master.
    options.connect_timeout = options_.connect_timeout / 8;
    questions_.push_back(std::make_unique<Question>(this, std::move(options)));
    questions_.back()->Start();
  }
}

void RedisSentinels::OnWord(const absl::StatusOr<Word>& word) {
  if (!word.ok()) {
    problem_ = word.status();
  } else if (!best_.has_value() || word->epoch > best_->epoch) {
    best_ = *word;
  }
  if (--open_ > 0) return;
  // In a later task: one of them is in the middle of telling us.
  open_ = 1;
  loop_->Post([this, alive = alive_] {
    if (!*alive) return;
    open_ = 0;
    EndRound();
  });
}

void RedisSentinels::EndRound() {
  questions_.clear();
  poll_timer_->Arm(kPollInterval);
  absl::StatusOr<RedisPlace> place = RedisPlace();
  bool moved = false;
  if (best_.has_value()) {
    place = best_->master;
    moved = master_.has_value() && *master_ != *place;
    master_ = *place;
  } else {
    place = absl::UnavailableError(absl::StrCat("no Sentinel knows where the master \"",
                                                options_.address.master_name,
                                                "\" is; one says: ", problem_.message()));
  }
  const std::shared_ptr<bool> alive = alive_;
  for (auto& done : std::exchange(waiting_, {})) {
    done(place);
    if (!*alive) return;
  }
  if (moved) on_moved_(*place);
  if (!*alive || open_ > 0 || late_.empty()) return;
  waiting_ = std::exchange(late_, {});
  AskAll();
}

}  // namespace eventbus
