#include "server/broker/shared_reader.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "server/broker/broker_events.h"
#include "server/broker/broker_options.h"
#include "server/broker/context.h"
#include "server/store/memory/memory_store.h"
#include "server/store/memory/memory_store_connection.h"
#include "tests/support/virtual_world.h"
#include "tests/unit/broker/event_bytes.h"

namespace eventbus {
namespace {

constexpr char kStream[] = "order.created";

class SharedReaderTest : public ::testing::Test {
 protected:
  SharedReaderTest() {
    store_.CreateStream({kStream, {}, {}}, [](const absl::StatusOr<CreateStreamResult>&) {});
    world_.RunReady();
  }

  void Append() {
    const std::string event = EventBytes().Id("1").Type(kStream).bytes();
    store_.Append({kStream, Bytes::FromString(EventBytes().Field(1, event).bytes()), 1},
                  [](const absl::StatusOr<EntryId>& id) { EXPECT_TRUE(id.ok()) << id.status(); });
    reader_.NoteAppend();
  }

  // How many entries the read finds, once it has been answered.
  std::shared_ptr<std::optional<size_t>> Read() {
    auto found = std::make_shared<std::optional<size_t>>();
    reader_.ReadAfter(kStream, EntryId::Min(), [found](const absl::StatusOr<EntryPage>& page) {
      ASSERT_TRUE(page.ok()) << page.status();
      *found = (*page)->size();
    });
    return found;
  }

  VirtualWorld world_;
  VirtualProcess& process_ = world_.CreateProcess("broker");
  MemoryStore memory_{MemoryStoreOptions(), [this] { return world_.Now(); }};
  MemoryStoreConnection store_{&memory_, &process_};
  BrokerEvents events_;
  BrokerOptions options_;
  const Context context_ = {
      .loop = &process_, .store = &store_, .events = &events_, .options = &options_};
  SharedReader reader_{&context_};
};

TEST_F(SharedReaderTest, WhoAsksInOneTurnSharesARead) {
  std::shared_ptr<std::optional<size_t>> first;
  std::shared_ptr<std::optional<size_t>> second;
  process_.Post([&] {
    Append();
    first = Read();
    second = Read();
  });
  world_.RunReady();
  EXPECT_EQ(*first, 1U);
  EXPECT_EQ(*second, 1U);
}

TEST_F(SharedReaderTest, WhoAsksAfterAnAppendFindsItThoughAReadBeforeItIsUnderWay) {
  std::shared_ptr<std::optional<size_t>> early;
  std::shared_ptr<std::optional<size_t>> late;
  process_.Post([&] {
    early = Read();
    Append();
    late = Read();
  });
  world_.RunReady();
  EXPECT_EQ(*early, 0U);
  EXPECT_EQ(*late, 1U);
}

TEST_F(SharedReaderTest, WhoAsksWhenTheReadHasLeftIsReadForAgainIfItFindsNothing) {
  std::shared_ptr<std::optional<size_t>> early;
  std::shared_ptr<std::optional<size_t>> late;
  process_.Post([&] {
    early = Read();
    // In the next turn, before the answer: that is posted when the turn ends.
    process_.Post([&] {
      Append();
      late = Read();
    });
  });
  world_.RunReady();
  EXPECT_EQ(*early, 0U);
  EXPECT_EQ(*late, 1U);
}

}  // namespace
}  // namespace eventbus
