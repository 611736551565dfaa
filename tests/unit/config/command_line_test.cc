#include "server/config/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/config/config.h"

namespace eventbus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CommandLineTest : public testing::Test {
 protected:
  ~CommandLineTest() override { std::remove(file_.c_str()); }

  Invocation Run(const std::vector<std::string>& arguments, const Environment& environment = {}) {
    return ReadCommandLine(arguments, environment, {.version = "1.2.3"});
  }

  // Writes a configuration file and answers its path.
  std::string File(const std::string& text) {
    std::ofstream(file_) << text;
    return file_;
  }

  const std::string file_ = testing::TempDir() + "eventbus_command_line_test_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml";
};

TEST_F(CommandLineTest, NothingGivenRunsWithTheDefaults) {
  const Invocation invocation = Run({});
  EXPECT_TRUE(invocation.run);
  EXPECT_EQ(invocation.out, "");
  EXPECT_EQ(invocation.err, "");
  EXPECT_EQ(invocation.config.listen.address, "127.0.0.1:9463");
}

TEST_F(CommandLineTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string file = File("limits:\n  max_types: 1\n  max_groups: 1\n  max_subscribers: 1\n");
  const Invocation invocation =
      Run({"--config", file, "--limits-max-types", "3"},
          {{"EVENTBUS_LIMITS_MAX_TYPES", "2"}, {"EVENTBUS_LIMITS_MAX_GROUPS", "2"}});
  ASSERT_TRUE(invocation.run) << invocation.err;
  EXPECT_EQ(invocation.config.limits.max_types, 3u);
  EXPECT_EQ(invocation.config.limits.max_groups, 2u);
  EXPECT_EQ(invocation.config.limits.max_subscribers, 1u);
}

TEST_F(CommandLineTest, TheEnvironmentCanNameTheFile) {
  const std::string file = File("limits:\n  max_types: 1\n");
  EXPECT_EQ(Run({}, {{"EVENTBUS_CONFIG", file}}).config.limits.max_types, 1u);
}

TEST_F(CommandLineTest, AFileThatIsNotThereIsAProblem) {
  const Invocation invocation = Run({"--config", "/nowhere/bus.yaml"});
  EXPECT_FALSE(invocation.run);
  EXPECT_EQ(invocation.exit_code, 2);
  EXPECT_THAT(invocation.err, HasSubstr("/nowhere/bus.yaml: cannot read"));
}

TEST_F(CommandLineTest, ProblemsOfAllSourcesAreReportedTogether) {
  const std::string file = File("colour: red\n");
  const Invocation invocation =
      Run({"--config", file, "--limits-max-types", "x"}, {{"EVENTBUS_LIMITS_MAX_GROUPS", "y"}});
  EXPECT_FALSE(invocation.run);
  EXPECT_EQ(invocation.exit_code, 2);
  EXPECT_THAT(invocation.err, HasSubstr("has 3 problems"));
  EXPECT_THAT(invocation.err, HasSubstr(file + ":1: colour"));
  EXPECT_THAT(invocation.err, HasSubstr("EVENTBUS_LIMITS_MAX_GROUPS: "));
  EXPECT_THAT(invocation.err, HasSubstr("--limits-max-types: "));
}

TEST_F(CommandLineTest, CheckConfigSaysGoodOrBadAndNeverRuns) {
  const Invocation good = Run({"--check-config"});
  EXPECT_FALSE(good.run);
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_THAT(good.out, HasSubstr("good"));
  const Invocation bad = Run({"--check-config", "--limits-max-types", "0"});
  EXPECT_FALSE(bad.run);
  EXPECT_EQ(bad.exit_code, 2);
}

TEST_F(CommandLineTest, PrintConfigShowsValuesAndPlacesButNoSecrets) {
  const std::string file = File("drain:\n  timeout: 5s\n");
  const Invocation invocation =
      Run({"--print-config", "--config", file, "--redis", "redis://user:hunter2@cache"},
          {{"EVENTBUS_LOGGING_LEVEL", "debug"}});
  EXPECT_FALSE(invocation.run);
  EXPECT_EQ(invocation.exit_code, 0) << invocation.err;
  EXPECT_THAT(invocation.out, HasSubstr("  timeout: 5s  # " + file + ":2\n"));
  EXPECT_THAT(invocation.out, HasSubstr("  level: debug  # EVENTBUS_LOGGING_LEVEL\n"));
  EXPECT_THAT(invocation.out, HasSubstr("  kind: redis  # --redis\n"));
  EXPECT_THAT(invocation.out, HasSubstr("    url: \"***\"  # --redis\n"));
  EXPECT_THAT(invocation.out, HasSubstr("  interval: 15s  # default\n"));
  EXPECT_THAT(invocation.out, Not(HasSubstr("hunter2")));
}

TEST_F(CommandLineTest, WhatPrintConfigPrintsReadsBackTheSame) {
  const Invocation first =
      Run({"--print-config", "--retention-rules", "[{pattern: '*', ttl: 90m, max_bytes: 1025}]",
           "--metrics-address", "", "--retention-ttl", "0", "--publish-default-source", "a \"b\""});
  ASSERT_EQ(first.err, "");
  const std::string file = File(first.out);
  const Invocation second = Run({"--config", file});
  ASSERT_TRUE(second.run) << second.err;
  EXPECT_EQ(second.config.publish.default_source, "a \"b\"");
  EXPECT_EQ(second.config.metrics.address, "");
  EXPECT_EQ(second.config.retention.ttl, absl::InfiniteDuration());
  ASSERT_EQ(second.config.retention.rules.size(), 1u) << first.out;
  EXPECT_EQ(second.config.retention.rules[0].pattern, "*");
  EXPECT_EQ(second.config.retention.rules[0].ttl, absl::Minutes(90));
  EXPECT_EQ(second.config.retention.rules[0].max_bytes, 1025u);
}

TEST_F(CommandLineTest, QuestionsAboutTheProgramAreAnsweredWhateverTheConfiguration) {
  EXPECT_EQ(Run({"--version", "--limits-max-types", "x"}).out, "eventbusd 1.2.3\n");
  EXPECT_THAT(Run({"-h"}).out, HasSubstr("--store-memory-max-bytes SIZE"));
  EXPECT_THAT(Run({"--help"}).out, HasSubstr("--store-kind memory|redis"));
  EXPECT_EQ(Run({"--help"}).exit_code, 0);
}

TEST_F(CommandLineTest, AWarningDoesNotKeepItFromRunning) {
  const Invocation invocation = Run({}, {{"EVENTBUS_TEST_TOOLS", "/x"}});
  EXPECT_TRUE(invocation.run);
  EXPECT_THAT(invocation.err, HasSubstr("warning: EVENTBUS_TEST_TOOLS"));
}

}  // namespace
}  // namespace eventbus
