#ifndef EVENTBUS_TESTS_BENCH_LOAD_NEWS_H_
#define EVENTBUS_TESTS_BENCH_LOAD_NEWS_H_

#include <cstdint>
#include <vector>

// What the two kinds of client, raw and typed, tell the load of messages, and the other way round.
namespace eventbus::bench {

// Of a PublishStreamResponse.
struct PublishNews {
  bool has_window = false;
  uint64_t max_messages = 0;
  uint64_t max_bytes = 0;
  uint64_t through = 0;
  uint64_t failures = 0;
};

struct DeliveredBatch {
  uint64_t first = 0;
  uint32_t count = 0;
  uint32_t attempt = 0;
};

// Of a SubscribeResponse.
struct SubscribeNews {
  bool opened = false;
  // Number of the settlement that the store has; 0: none.
  uint64_t settled = 0;
  // Leases were lost, or the server drains: nothing that belongs in a run.
  bool disturbed = false;
  std::vector<DeliveredBatch> batches;
  // The times in the events, if asked for.
  std::vector<int64_t> stamps;

  void Clear() {
    opened = false;
    settled = 0;
    disturbed = false;
    batches.clear();
    stamps.clear();
  }
};

struct NumberRange {
  uint64_t first = 0;
  uint64_t last = 0;
};

// A Settlement.
struct SettleWish {
  std::vector<uint64_t> ack;
  std::vector<NumberRange> ack_ranges;
  std::vector<NumberRange> nack_ranges;
  uint64_t confirm = 0;

  bool empty() const {
    return ack.empty() && ack_ranges.empty() && nack_ranges.empty() && confirm == 0;
  }
  void Clear() {
    ack.clear();
    ack_ranges.clear();
    nack_ranges.clear();
    confirm = 0;
  }
};

// Adds a number behind the last range, as a part of it if it follows on it.
inline void AppendNumbers(uint64_t first, uint64_t last, std::vector<NumberRange>* ranges) {
  if (!ranges->empty() && ranges->back().last + 1 == first) {
    ranges->back().last = last;
  } else {
    ranges->push_back({first, last});
  }
}

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_NEWS_H_
