#include "server/store/redis/redis_signal_reader.h"

#include <utility>

#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// A page of signals.
constexpr uint64_t kPage = 500;
// How long Redis holds back an empty answer: well below the client's patience with a silent server.
constexpr uint64_t kBlockMs = 2'000;

RedisClientOptions ThatWaits(RedisClientOptions options) {
  options.answers_at_once = false;
  return options;
}

}  // namespace

RedisSignalReader::RedisSignalReader(Loop* loop, Network* network, RedisClientOptions options,
                                     std::string key,
                                     absl::AnyInvocable<void(const RedisSignal&)> on_signal,
                                     absl::AnyInvocable<void()> on_missed)
    : key_(std::move(key)),
      on_signal_(std::move(on_signal)),
      on_missed_(std::move(on_missed)),
      alive_(std::make_shared<bool>(true)),
      client_(loop, network, this, ThatWaits(std::move(options))) {}

void RedisSignalReader::Start(EntryId position) {
  position_ = position;
  client_.Start();
}

void RedisSignalReader::OnPrepare() {
  client_.SendPreparing(
      std::move(RedisCommand("XREVRANGE").Add(key_).Add("+").Add("-").Add("COUNT").Add("1")),
      [this](const absl::StatusOr<RedisReply>& reply) {
        if (!reply.ok()) return client_.Prepared(reply.status());
        // What is there may be another server's, or emptied: then what it has is all new.
        const absl::StatusOr<EntryId> last = ReadEntryId((*reply)[0][0]);
        if (was_up_ && (!last.ok() || *last < position_)) position_ = EntryId::Min();
        client_.Prepared(absl::OkStatus());
      });
}

void RedisSignalReader::OnUp() {
  const bool again = std::exchange(was_up_, true);
  Read();
  if (again) on_missed_();
}

void RedisSignalReader::Read() {
  client_.Send(std::move(RedisCommand("XREAD")
                             .Add("COUNT")
                             .Add(kPage)
                             .Add("BLOCK")
                             .Add(kBlockMs)
                             .Add("STREAMS")
                             .Add(key_)
                             .Add(position_.ToString())),
               [this](const absl::StatusOr<RedisReply>& reply) {
                 // Without an answer the connection is lost, and reading begins anew with the next.
                 if (reply.ok()) OnRead(*reply);
               });
}

void RedisSignalReader::OnRead(RedisReply reply) {
  const RedisReply entries = reply[0][1];
  const EntryId behind = position_;
  const std::shared_ptr<bool> alive = alive_;
  for (size_t i = 0; i < entries.size(); ++i) {
    const absl::StatusOr<EntryId> id = ReadEntryId(entries[i][0]);
    if (id.ok()) position_ = *id;
    on_signal_(RedisSignal::Read(entries[i][1]));
    if (!*alive) return;
  }
  if (entries.size() >= kPage) CheckForGap(behind);
  Read();
}

void RedisSignalReader::CheckForGap(EntryId behind) {
  client_.Send(std::move(RedisCommand("XRANGE").Add(key_).Add("-").Add("+").Add("COUNT").Add("1")),
               [this, behind](const absl::StatusOr<RedisReply>& reply) {
                 if (!reply.ok()) return;
                 const absl::StatusOr<EntryId> first = ReadEntryId((*reply)[0][0]);
                 if (first.ok() && *first > behind) on_missed_();
               });
}

}  // namespace eventbus
