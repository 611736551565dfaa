// What happens to every event, on gRPC's threads: patterns, the door, deliveries, settlements.
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "eventbus/v1/broker.pb.h"
#include "server/broker/entry_reader.h"
#include "server/broker/event_scanner.h"
#include "server/broker/pattern.h"
#include "server/broker/state_record.h"
#include "server/rpc/delivery_encoder.h"
#include "server/rpc/door.h"
#include "server/rpc/publish_envelope.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/rpc_options.h"
#include "server/rpc/settlement.h"
#include "tests/bench/load/sample_event.h"

namespace eventbus::bench {
namespace {

constexpr size_t kEvents = 100;

void PerEvent(benchmark::State& state, size_t events) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * events));
}

void BM_PatternMatches(benchmark::State& state, const char* text) {
  const absl::StatusOr<Pattern> pattern = Pattern::Parse(text);
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(pattern->Matches("billing.invoice.created.v1"));
  }
}
BENCHMARK_CAPTURE(BM_PatternMatches, exact, "billing.invoice.created.v1");
BENCHMARK_CAPTURE(BM_PatternMatches, below, "billing.*");
BENCHMARK_CAPTURE(BM_PatternMatches, one_segment, "billing.+.created.v1");
BENCHMARK_CAPTURE(BM_PatternMatches, many_segments, "**.created.*");

// A set of which the last pattern matches: `range(0)` exact ones, and as many with wildcards.
void BM_PatternSetMatches(benchmark::State& state) {
  std::vector<std::string> texts = {"zz.**.v1"};
  for (int64_t i = 1; i < state.range(0); ++i) {
    texts.push_back(absl::StrCat("type", i, ".created"));
    texts.push_back(absl::StrCat("type", i, ".*"));
  }
  const absl::StatusOr<PatternSet> set = PatternSet::Parse(texts);
  while (state.KeepRunning()) benchmark::DoNotOptimize(set->Matches("zz.invoice.created.v1"));
}
BENCHMARK(BM_PatternSetMatches)->Arg(1)->Arg(10)->Arg(50);

void BM_ScanEvent(benchmark::State& state) {
  const std::string bytes =
      EncodeEvent({.event_bytes = static_cast<size_t>(state.range(0))}, TypeName(0), 0);
  while (state.KeepRunning()) {
    ScannedEvent event;
    FieldViolation violation;
    benchmark::DoNotOptimize(ScanEvent(bytes, EventLimits{}, &event, &violation));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(BM_ScanEvent)->Arg(256)->Arg(4096);

// What the scan saves.
void BM_ParseEvent(benchmark::State& state) {
  const std::string bytes =
      EncodeEvent({.event_bytes = static_cast<size_t>(state.range(0))}, TypeName(0), 0);
  while (state.KeepRunning()) {
    v1::Event event;
    benchmark::DoNotOptimize(event.ParseFromString(bytes));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(BM_ParseEvent)->Arg(256)->Arg(4096);

// The whole door, for a message of 100 events of 256 bytes.
void BM_Door(benchmark::State& state, bool bare) {
  const std::string message = EncodeEvents({.bare = bare}, TypeName(0), kEvents);
  const grpc::Slice slice(message);
  const grpc::ByteBuffer buffer(&slice, 1);
  const RpcOptions options;
  while (state.KeepRunning()) {
    const RequestBytes bytes(buffer);
    PublishEnvelope envelope;
    const absl::Status read =
        ReadPublishEnvelope(PublishEnvelope::Kind::kStream, bytes.view(), &envelope);
    benchmark::DoNotOptimize(read.ok());
    benchmark::DoNotOptimize(Door(options).Check(bytes, envelope, {}, /*want_ids=*/false));
  }
  PerEvent(state, kEvents);
}
BENCHMARK_CAPTURE(BM_Door, complete, false);
BENCHMARK_CAPTURE(BM_Door, filled_in, true);

void BM_IndexEvents(benchmark::State& state) {
  const std::string entry = EncodeEvents({}, TypeName(0), kEvents);
  std::vector<uint32_t> offsets;
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(IndexEvents(entry, &offsets).ok());
  }
  PerEvent(state, kEvents);
}
BENCHMARK(BM_IndexEvents);

// A message of `range(0)` entries with `range(1)` events each.
void BM_EncodeDeliveries(benchmark::State& state) {
  const auto entries = static_cast<size_t>(state.range(0));
  const auto events = static_cast<size_t>(state.range(1));
  DeliveryRun run;
  run.events = Bytes::FromString(EncodeEvents({}, TypeName(0), events));
  run.count = static_cast<uint32_t>(events);
  run.first_delivery = 1'000'000;
  run.stream = std::make_shared<const std::string>(TypeName(0));
  run.position = Position{{1'700'000'000'123, 4}, 0};
  run.attempt = run.times_delivered = 1;
  while (state.KeepRunning()) {
    std::deque<DeliveryRun> runs(entries, run);
    benchmark::DoNotOptimize(EncodeDeliveries({}, kMaxServerMessageBytes, &runs));
  }
  PerEvent(state, entries * events);
}
BENCHMARK(BM_EncodeDeliveries)->Args({1, 1})->Args({1, 100})->Args({20, 100})->Args({100, 1});

void BM_ReadSettlement(benchmark::State& state, bool scattered) {
  v1::Settlement settlement;
  if (scattered) {
    for (uint64_t i = 0; i < kEvents; ++i) settlement.add_ack(1'000'000 + i * 37 % 1000);
  } else {
    settlement.add_ack_ranges()->set_first(1'000'000);
    settlement.mutable_ack_ranges(0)->set_last(1'000'000 + kEvents - 1);
  }
  const std::string bytes = settlement.SerializeAsString();
  while (state.KeepRunning()) {
    v1::Settlement parsed;
    benchmark::DoNotOptimize(parsed.ParseFromString(bytes));
    benchmark::DoNotOptimize(ReadSettlement(parsed));
  }
  PerEvent(state, kEvents);
}
BENCHMARK_CAPTURE(BM_ReadSettlement, one_range, false);
BENCHMARK_CAPTURE(BM_ReadSettlement, scattered, true);

// An entry of 100 events of which every tenth has failed once.
StateRecord SomeRecord() {
  StateRecord record;
  record.events.resize(kEvents);
  record.first_delivered_ms = 1'700'000'000'000;
  for (size_t i = 0; i < kEvents; ++i) {
    if (i % 10 != 0) {
      record.events[i].settled = true;
      continue;
    }
    record.events[i].failed_attempts = 1;
    record.events[i].due_ms = 1'700'000'001'000;
    record.events[i].reasons = {"the payment service did not answer"};
  }
  return record;
}

void BM_EncodeState(benchmark::State& state) {
  const StateRecord record = SomeRecord();
  while (state.KeepRunning()) benchmark::DoNotOptimize(record.Encode());
}
BENCHMARK(BM_EncodeState);

void BM_DecodeState(benchmark::State& state) {
  const std::string bytes = SomeRecord().Encode();
  while (state.KeepRunning()) benchmark::DoNotOptimize(StateRecord::Decode(bytes));
}
BENCHMARK(BM_DecodeState);

}  // namespace
}  // namespace eventbus::bench
