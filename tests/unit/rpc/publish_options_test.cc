#include "server/rpc/publish_options.h"

#include <string>

#include "absl/status/statusor.h"
#include "eventbus/v1/broker.pb.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

absl::StatusOr<PublishChoices> Read(const v1::PublishOptions& options) {
  PublishChoices choices;
  absl::Status status = ReadPublishOptions(options.SerializeAsString(), kNow, &choices);
  if (!status.ok()) return status;
  return choices;
}

v1::PublishOptions At(absl::Time time) {
  v1::PublishOptions options;
  *options.mutable_deliver_at() = WriteTimestamp(time);
  return options;
}

v1::PublishOptions After(absl::Duration delay) {
  v1::PublishOptions options;
  *options.mutable_deliver_after() = WriteDuration(delay);
  return options;
}

TEST(PublishOptionsTest, WithoutAnyEventsAreDeliveredAtOnce) {
  EXPECT_FALSE(Read({})->delay.has_value());
}

TEST(PublishOptionsTest, ATimeToCome) {
  EXPECT_EQ(Read(At(kNow + absl::Hours(3)))->delay->at, kNow + absl::Hours(3));
  EXPECT_FALSE(Read(At(kNow))->delay.has_value());
  EXPECT_FALSE(Read(At(kNow - absl::Hours(3)))->delay.has_value());
}

TEST(PublishOptionsTest, ADelay) {
  const auto choices = Read(After(absl::Milliseconds(1500)));
  EXPECT_EQ(choices->delay->after, absl::Milliseconds(1500));
  EXPECT_EQ(choices->delay->at, absl::InfinitePast());
  EXPECT_FALSE(Read(After(absl::ZeroDuration()))->delay.has_value());
}

TEST(PublishOptionsTest, AYearAheadAtMost) {
  EXPECT_TRUE(Read(At(kNow + absl::Hours(24 * 365))).ok());
  EXPECT_TRUE(Read(After(absl::Hours(24 * 365))).ok());
  EXPECT_EQ(FieldOf(Read(At(kNow + absl::Hours(24 * 367))).status()), "options.deliver_at");
  EXPECT_EQ(FieldOf(Read(After(absl::Hours(24 * 367))).status()), "options.deliver_after");
  EXPECT_EQ(FieldOf(Read(After(absl::Seconds(-1))).status()), "options.deliver_after");
}

TEST(PublishOptionsTest, ALifetimeBeginsWhenTheEventIsDue) {
  v1::PublishOptions options;
  *options.mutable_ttl() = WriteDuration(absl::Seconds(5));
  EXPECT_EQ(Read(options)->expires_ms, absl::ToUnixMillis(kNow) + 5'000);
  *options.mutable_deliver_after() = WriteDuration(absl::Seconds(60));
  EXPECT_EQ(Read(options)->expires_ms, absl::ToUnixMillis(kNow) + 65'000);
  *options.mutable_deliver_at() = WriteTimestamp(kNow + absl::Seconds(10));
  EXPECT_EQ(Read(options)->expires_ms, absl::ToUnixMillis(kNow) + 15'000);
}

TEST(PublishOptionsTest, ALifetimeIsAtLeastAMillisecond) {
  v1::PublishOptions options;
  *options.mutable_ttl() = WriteDuration(absl::Microseconds(999));
  EXPECT_EQ(FieldOf(Read(options).status()), "options.ttl");
}

TEST(PublishOptionsTest, BytesThatAreNoOptionsAreMalformed) {
  PublishChoices choices;
  EXPECT_EQ(ReasonOf(ReadPublishOptions("\x0a\x05x", kNow, &choices)), Reason::kMalformed);
}

}  // namespace
}  // namespace eventbus
