#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_KEYS_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_KEYS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "server/store/stream_store.h"

namespace eventbus {

// The names of all keys (docs/redis.md). What is in braces is a hash tag of Redis Cluster: all keys
// of a stream share a slot, and so do those of the registry.
class RedisKeys {
 public:
  // The prefix is the namespace: two buses share one Redis by two prefixes.
  explicit RedisKeys(std::string prefix) : prefix_(std::move(prefix)) {}

  std::string Log(absl::string_view stream) const {
    const std::pair<absl::string_view, absl::string_view> side = SplitSide(stream);
    if (side.second.empty()) return absl::StrCat(prefix_, ":{", stream, "}:log");
    return absl::StrCat(prefix_, ":{", side.first, "}:side:", side.second);
  }
  std::string State(absl::string_view stream, const GroupKey& group) const {
    return absl::StrCat(OfStream(SplitSide(stream).first, ":state:"), group.ToString());
  }
  // What the keys of all state records of a stream's groups begin with.
  std::string States(absl::string_view stream) const { return OfStream(stream, ":state:"); }
  // What groups have lost of the stream.
  std::string Lost(absl::string_view stream) const {
    return OfStream(SplitSide(stream).first, ":lost");
  }
  // All that belongs to a stream and to no group, but for its log.
  std::vector<std::string> OthersOf(absl::string_view stream) const {
    return {Lost(stream), Seen(stream), SeenOrder(stream), Delayed(stream), DelayedEvents(stream)};
  }
  std::string Dead(absl::string_view stream, absl::string_view group) const {
    return absl::StrCat(OfStream(SplitSide(stream).first, ":dead:"), group);
  }
  // Who owns the stream of an ordered group.
  std::string Lease(absl::string_view stream, absl::string_view group) const {
    return absl::StrCat(OfStream(stream, ":lease:"), group);
  }
  // Which keys of events the stream has seen lately, and in which order.
  std::string Seen(absl::string_view stream) const { return OfStream(stream, ":seen"); }
  std::string SeenOrder(absl::string_view stream) const { return OfStream(stream, ":seen:order"); }
  // When delayed events are due, the events, and what is due next on which stream.
  std::string Delayed(absl::string_view stream) const { return OfStream(stream, ":delayed"); }
  std::string DelayedEvents(absl::string_view stream) const {
    return OfStream(stream, ":delayed:events");
  }
  std::string Due() const { return OfRegistry("due"); }
  std::string Types() const { return OfRegistry("types"); }
  std::string Groups() const { return OfRegistry("groups"); }
  std::string Instances() const { return OfRegistry("instances"); }
  std::string Stats() const { return OfRegistry("stats"); }
  std::string Stamp() const { return OfRegistry("stamp"); }
  std::string Meta() const { return OfRegistry("meta"); }
  std::string Signals() const { return OfRegistry("signals"); }

 private:
  // The type and the group of a side stream (SideStreamOf); the name and nothing of any other.
  static std::pair<absl::string_view, absl::string_view> SplitSide(absl::string_view stream) {
    // Types have no slash.
    if (stream.find('/') == absl::string_view::npos) return {stream, absl::string_view()};
    return absl::StrSplit(stream, absl::MaxSplits("/side/", 1));
  }
  std::string OfStream(absl::string_view stream, absl::string_view what) const {
    return absl::StrCat(prefix_, ":{", stream, "}", what);
  }
  std::string OfRegistry(absl::string_view what) const {
    return absl::StrCat(prefix_, ":{registry}:", what);
  }

  const std::string prefix_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_KEYS_H_
