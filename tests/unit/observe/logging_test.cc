#include "server/observe/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/observe/log_line.h"

namespace eventbus {
namespace {

using ::testing::MatchesRegex;

TEST(LoggingTest, ATextLineHasTimeLevelMessageAndFields) {
  std::ostringstream out;
  const Logger log = Logger::ToStream(out, {});
  log.Info("group created", {{"group", "analytics"}, {"patterns", 2}});
  EXPECT_THAT(out.str(), MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z info "
                                      "group created group=analytics patterns=2\n"));
}

TEST(LoggingTest, EachKindOfFieldHasItsOwnText) {
  const std::string owned = "owned";
  EXPECT_EQ(TextLogLine("m", {{"text", "a"},
                              {"owned", owned},
                              {"yes", true},
                              {"negative", -1},
                              {"large", std::numeric_limits<std::uint64_t>::max()},
                              {"ratio", 0.5},
                              {"after", absl::Milliseconds(1500)},
                              {"status", absl::NotFoundError("gone")}}),
            "m text=a owned=owned yes=true negative=-1 large=18446744073709551615 ratio=0.5 "
            "after=1.5s status=\"NOT_FOUND: gone\"");
}

TEST(LoggingTest, NoFieldCanForgeALineOrAnotherField) {
  EXPECT_EQ(TextLogLine("m", {{"f", "a\nb"}}), "m f=\"a\\nb\"");
  EXPECT_EQ(TextLogLine("m", {{"f", "x group=root"}}), "m f=\"x group=root\"");
  EXPECT_EQ(TextLogLine("m", {{"f", "a=b"}}), "m f=\"a=b\"");
  EXPECT_EQ(TextLogLine("m", {{"f", "say \"hi\""}}), "m f=\"say \\\"hi\\\"\"");
  EXPECT_EQ(TextLogLine("m", {{"f", ""}}), "m f=\"\"");
  EXPECT_EQ(TextLogLine("m", {{"f", "\x1b[31m"}}), "m f=\"\\u001b[31m\"");
}

TEST(LoggingTest, AJsonLineParsesAndKeepsTypes) {
  std::ostringstream out;
  const Logger log = Logger::ToStream(out, {.format = LogFormat::kJson});
  log.Warning("odd \"message\"", {{"text", "a\n\"b\\"},
                                  {"count", 3},
                                  {"ok", false},
                                  {"bytes", "\xff"},
                                  {"nan", std::numeric_limits<double>::quiet_NaN()}});
  ASSERT_EQ(out.str().find('\n'), out.str().size() - 1) << "one line";
  const nlohmann::json line = nlohmann::json::parse(out.str());
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["message"], "odd \"message\"");
  EXPECT_EQ(line["text"], "a\n\"b\\");
  EXPECT_EQ(line["count"], 3);
  EXPECT_EQ(line["ok"], false);
  EXPECT_EQ(line["bytes"], "\xef\xbf\xbd");
  EXPECT_TRUE(line["nan"].is_null());
  EXPECT_TRUE(line.contains("time"));
}

TEST(LoggingTest, APercentSignInAFieldIsNoPattern) {
  std::ostringstream out;
  Logger::ToStream(out, {}).Info("m", {{"f", "%v{}%%"}});
  EXPECT_THAT(out.str(), testing::EndsWith("m f=%v{}%%\n"));
}

TEST(LoggingTest, TheLevelHoldsForAllCopies) {
  std::ostringstream out;
  const Logger log = Logger::ToStream(out, {.level = LogLevel::kWarning});
  const Logger copy = log;  // NOLINT(performance-unnecessary-copy-initialization): the point.
  copy.Info("not written");
  EXPECT_FALSE(copy.Enabled(LogLevel::kInfo));
  EXPECT_EQ(out.str(), "");
  log.SetLevel(LogLevel::kDebug);
  copy.Debug("written");
  EXPECT_NE(out.str(), "");
  log.SetLevel(LogLevel::kOff);
  EXPECT_FALSE(copy.Enabled(LogLevel::kError));
}

TEST(LoggingTest, TheNullLoggerTakesEverything) {
  const Logger log = Logger::Null();
  log.Error("nobody reads this");
  EXPECT_FALSE(log.Enabled(LogLevel::kError));
}

}  // namespace
}  // namespace eventbus
