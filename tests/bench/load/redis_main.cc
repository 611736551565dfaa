// eventbus-raw-redis: the same events through Redis Streams with hiredis alone, as well as that
// goes: commands formatted beforehand, pipelined, one event an entry. Prints one JSON object.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "hiredis/hiredis.h"
#include "nlohmann/json.hpp"
#include "tests/bench/load/cpu_meter.h"
#include "tests/bench/load/latencies.h"
#include "tests/bench/load/measured_run.h"
#include "tests/bench/load/sample_event.h"

namespace eventbus::bench {
namespace {

using Figures = nlohmann::ordered_json;

struct RedisOptions {
  int port = 6379;
  double seconds = 3;
  double warm_up = 0.5;
  // Events, where the run is not measured by time.
  uint64_t events = 300'000;
  size_t event_bytes = 256;
  size_t streams = 1;
  size_t depth = 128;
  size_t read_count = 256;
  // Whose CPU time is told.
  pid_t redis = 0;
};

struct ContextDeleter {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct ReplyDeleter {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, ReplyDeleter>;

// A blocking connection. What goes wrong ends the program: a reference that stumbles is none.
class Connection {
 public:
  explicit Connection(int port) : context_(redisConnect("127.0.0.1", port)) {
    if (context_ == nullptr || context_->err != 0) Die("cannot connect");
  }

  static std::string Format(const std::vector<std::string>& words) {
    std::vector<const char*> data;
    std::vector<size_t> sizes;
    for (const std::string& word : words) {
      data.push_back(word.data());
      sizes.push_back(word.size());
    }
    char* text = nullptr;
    const int size =
        redisFormatCommandArgv(&text, static_cast<int>(words.size()), data.data(), sizes.data());
    std::string command(text, static_cast<size_t>(size));
    redisFreeCommand(text);
    return command;
  }
  // Sent with the next Take that has to wait.
  void Add(const std::string& command) {
    redisAppendFormattedCommand(context_.get(), command.data(), command.size());
  }
  // Sends what was added now.
  void Flush() {
    int done = 0;
    while (done == 0) {
      if (redisBufferWrite(context_.get(), &done) != REDIS_OK) Die("cannot write");
    }
  }
  Reply Take() {
    void* reply = nullptr;
    if (redisGetReply(context_.get(), &reply) != REDIS_OK) Die("no reply");
    Reply taken(static_cast<redisReply*>(reply));
    if (taken->type == REDIS_REPLY_ERROR) {
      std::cerr << "eventbus-raw-redis: " << taken->str << "\n";
      std::exit(1);
    }
    return taken;
  }
  Reply Ask(const std::vector<std::string>& words) {
    Add(Format(words));
    return Take();
  }

 private:
  [[noreturn]] void Die(const char* what) {
    std::cerr << "eventbus-raw-redis: " << what << ": "
              << (context_ != nullptr ? context_->errstr : "no memory") << "\n";
    std::exit(1);
  }

  std::unique_ptr<redisContext, ContextDeleter> context_;
};

std::string StreamName(size_t index) { return absl::StrCat("bench:stream:", index); }

// XADDs, always between half of `depth` and `depth` of them under way.
class Writer {
 public:
  explicit Writer(const RedisOptions& options) : options_(options), connection_(options.port) {
    for (size_t i = 0; i < options.streams; ++i) {
      commands_.push_back(
          Connection::Format({"XADD", StreamName(i), "*", "e",
                              EncodeEvent({.event_bytes = options.event_bytes}, TypeName(i), i)}));
    }
  }
  // How many were added until `done`, which is asked from time to time.
  uint64_t AddUntil(const std::function<bool(uint64_t added)>& done) {
    const size_t half = std::max<size_t>(options_.depth / 2, 1);
    uint64_t sent = 0;
    uint64_t taken = 0;
    while (!done(sent)) {
      for (size_t i = 0; i < half; ++i) connection_.Add(commands_[sent++ % commands_.size()]);
      connection_.Flush();
      while (sent - taken > options_.depth - half) {
        connection_.Take();
        ++taken;
      }
    }
    for (; taken < sent; ++taken) connection_.Take();
    return sent;
  }

 private:
  const RedisOptions& options_;
  Connection connection_;
  std::vector<std::string> commands_;
};

// The XACK of all entries in the answer to an XREADGROUP of one stream.
std::string AckOf(const redisReply& reply, size_t* count) {
  const redisReply& entries = *reply.element[0]->element[1];
  std::vector<std::string> ack = {"XACK", StreamName(0), "bench"};
  ack.reserve(entries.elements + 3);
  for (size_t i = 0; i < entries.elements; ++i) {
    const redisReply& id = *entries.element[i]->element[0];
    ack.emplace_back(id.str, id.len);
  }
  *count = entries.elements;
  return Connection::Format(ack);
}

// A consumer of one stream: XREADGROUP, and with the next one the XACK of what came.
class Reader {
 public:
  explicit Reader(const RedisOptions& options)
      : connection_(options.port),
        read_(Connection::Format({"XREADGROUP", "GROUP", "bench", "one", "COUNT",
                                  absl::StrCat(options.read_count), "BLOCK", "10", "STREAMS",
                                  StreamName(0), ">"})) {}

  void CreateGroup() {
    connection_.Ask({"XGROUP", "CREATE", StreamName(0), "bench", "0", "MKSTREAM"});
  }
  // Until `done` says of a number of read entries that it is all.
  uint64_t ReadUntil(const std::function<bool(uint64_t read)>& done) {
    uint64_t read = 0;
    bool acking = false;
    while (!done(read)) {
      connection_.Add(read_);
      if (acking) connection_.Take();
      const Reply reply = connection_.Take();
      acking = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0;
      if (!acking) continue;
      size_t count = 0;
      connection_.Add(AckOf(*reply, &count));
      read += count;
    }
    if (acking) connection_.Take();
    return read;
  }

 private:
  Connection connection_;
  const std::string read_;
};

// Adds for so many seconds.
uint64_t AddFor(double seconds, Writer* writer) {
  const absl::Time end = absl::Now() + absl::Seconds(seconds);
  return writer->AddUntil([end](uint64_t) { return absl::Now() >= end; });
}

Figures Add(const RedisOptions& options) {
  Writer writer(options);
  AddFor(options.warm_up, &writer);
  const MeasuredRun run({{"redis", options.redis}});
  return run.Report(AddFor(options.seconds, &writer));
}

// `events` added beforehand.
Figures Read(const RedisOptions& options) {
  Reader reader(options);
  reader.CreateGroup();
  Writer(options).AddUntil([&](uint64_t added) { return added >= options.events; });
  const MeasuredRun run({{"redis", options.redis}});
  return run.Report(reader.ReadUntil([&](uint64_t read) { return read >= options.events; }));
}

// One thread adds, the other reads and acks meanwhile, until all is acked.
Figures Flow(const RedisOptions& options) {
  Reader reader(options);
  reader.CreateGroup();
  Writer writer(options);
  const MeasuredRun run({{"redis", options.redis}});
  std::atomic<uint64_t> added = 0;
  std::atomic<bool> over = false;
  std::thread adding([&] {
    added = AddFor(options.seconds, &writer);
    over = true;
  });
  const uint64_t read = reader.ReadUntil([&](uint64_t count) { return over && count == added; });
  adding.join();
  return run.Report(read);
}

// One after the other: adds all, then reads and acks all.
Figures OneAfterTheOther(const RedisOptions& options) {
  Reader reader(options);
  reader.CreateGroup();
  Writer writer(options);
  const MeasuredRun run({{"redis", options.redis}});
  const uint64_t added = AddFor(options.seconds / 2, &writer);
  return run.Report(reader.ReadUntil([&](uint64_t count) { return count == added; }));
}

// One at a time.
Figures RoundTrip(const RedisOptions& options) {
  Connection connection(options.port);
  const std::string command =
      Connection::Format({"XADD", StreamName(0), "*", "e",
                          EncodeEvent({.event_bytes = options.event_bytes}, TypeName(0), 0)});
  Latencies latencies;
  CpuMeter meter({{"redis", options.redis}});
  for (const double seconds : {options.warm_up, options.seconds}) {
    latencies.clear();
    meter.Start();
    const absl::Time end = absl::Now() + absl::Seconds(seconds);
    for (absl::Time now = absl::Now(); now < end;) {
      connection.Add(command);
      connection.Take();
      const absl::Time after = absl::Now();
      latencies.Add(after - now);
      now = after;
    }
  }
  Figures figures{{"events", latencies.size()}, {"latency", latencies.Report()}};
  meter.Report(static_cast<double>(latencies.size()), &figures);
  return figures;
}

int Main(int argc, char** argv) {
  const std::map<std::string, Figures (*)(const RedisOptions&)> scenarios = {
      {"xadd", Add},
      {"read", Read},
      {"flow", Flow},
      {"one-after-the-other", OneAfterTheOther},
      {"round-trip", RoundTrip}};
  RedisOptions options;
  std::string scenario;
  CLI::App app("Puts the same load on a Redis alone, and prints what came of it as JSON.");
  app.add_option("scenario", scenario, "What to do")->required()->check(CLI::IsMember(scenarios));
  app.add_option("--port", options.port, "Of the Redis")->required();
  app.add_option("--redis-pid", options.redis, "Whose CPU time to tell");
  app.add_option("--seconds", options.seconds);
  app.add_option("--warm-up", options.warm_up);
  app.add_option("--events", options.events);
  app.add_option("--event-bytes", options.event_bytes);
  app.add_option("--streams", options.streams);
  app.add_option("--depth", options.depth, "XADDs under way");
  app.add_option("--read-count", options.read_count, "Entries an XREADGROUP");
  CLI11_PARSE(app, argc, argv);
  std::cout << scenarios.at(scenario)(options).dump() << "\n";
  return 0;
}

}  // namespace
}  // namespace eventbus::bench

int main(int argc, char** argv) { return eventbus::bench::Main(argc, argv); }
