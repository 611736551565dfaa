#include "server/broker/delivery_token.h"

#include "gtest/gtest.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

TEST(DeliveryTokenTest, DecodesWhatItEncodes) {
  const DeliveryToken token = {{"a/b:c", 7}, "order.placed", {{1700000000000, 3}, 42}, 2, 5};
  const std::string text = token.Encode();
  EXPECT_EQ(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
  EXPECT_EQ(*DeliveryToken::Decode(text), token);
}

TEST(DeliveryTokenTest, RefusesWhatIsNoToken) {
  const std::string text = DeliveryToken{{"g", 1}, "s", {{1, 2}, 3}, 1, 1}.Encode();
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(DeliveryToken::Decode(text.substr(0, size)).ok()) << size;
  }
  const auto refused = DeliveryToken::Decode("not a token!");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused.status()), Reason::kBadPosition);
}

}  // namespace
}  // namespace eventbus
