// The files that are generated from the registry are current, and true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/config/config.h"
#include "server/config/loader.h"
#include "server/config/print.h"
#include "server/config/registry.h"
#include "server/config/setting.h"
#include "server/config/source.h"

namespace eventbus::settings {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string FileOfTheProject(const char* path) {
  std::ifstream file(absl::StrCat(EVENTBUS_SOURCE_DIR, "/", path));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string PrintAll(const Registry& registry, const Config& config) {
  std::string all;
  for (const Setting& setting : registry.settings()) {
    absl::StrAppend(&all, setting.name(), "=", setting.Print(config), "\n");
  }
  return all;
}

TEST(GeneratedDocsTest, TheDefaultFileIsCurrent) {
  EXPECT_EQ(FileOfTheProject("config/eventbus.yaml"), DefaultConfigFile(Registry()))
      << "run: eventbusd --print-default-config > config/eventbus.yaml";
}

TEST(GeneratedDocsTest, TheManualIsCurrent) {
  EXPECT_EQ(FileOfTheProject("docs/configuration.md"), ConfigDocs(Registry()))
      << "run: eventbusd --print-config-docs > docs/configuration.md";
}

TEST(GeneratedDocsTest, TheDefaultFileHoldsTheDefaultsCommentedOutAndNot) {
  const Registry registry;
  const std::string commented = DefaultConfigFile(registry);
  // "  #ttl: 24h" is a setting, "  # How long…" is an explanation.
  std::string live = commented;
  for (const Setting& setting : registry.settings()) {
    const std::string last = setting.name().substr(setting.name().rfind('.') + 1);
    live = absl::StrReplaceAll(live, {{absl::StrCat("#", last, ": "), absl::StrCat(last, ": ")}});
  }
  ASSERT_NE(live, commented);
  for (const std::string& text : {commented, live}) {
    const Findings findings = ReadYaml(registry, text, "eventbus.yaml");
    const bool is_live = text == live;
    EXPECT_EQ(findings.assignments.size(), is_live ? registry.settings().size() : 0u);
    const Loaded loaded = Load(registry, {findings});
    EXPECT_THAT(loaded.problems, IsEmpty());
    EXPECT_EQ(PrintAll(registry, loaded.config), PrintAll(registry, Config{}));
  }
}

TEST(GeneratedDocsTest, EverySettingIsExplainedAndHasItsOwnNames) {
  const Registry registry;
  const std::string docs = ConfigDocs(registry);
  std::set<std::string> names;
  std::set<std::string> sections;
  for (const Section& section : registry.sections()) sections.insert(section.name);
  for (const Setting& setting : registry.settings()) {
    EXPECT_TRUE(sections.count(setting.section())) << setting.name() << " has no section";
    EXPECT_THAT(docs, HasSubstr(absl::StrCat("| `", setting.name(), "` |")));
    EXPECT_GT(setting.description().size(), 20u) << setting.name();
    for (const std::string& name :
         {setting.name(), setting.flag(), setting.environment_variable()}) {
      EXPECT_TRUE(names.insert(name).second) << name << " names two settings";
    }
  }
  for (const ForeignName& foreign : registry.foreign_names()) {
    EXPECT_TRUE(foreign.setting.empty() || registry.Find(foreign.setting) != nullptr)
        << foreign.name;
  }
}

TEST(GeneratedDocsTest, TheDefaultsThemselvesAreAllowed) {
  const Registry registry;
  EXPECT_THAT(Load(registry, {}).problems, IsEmpty());
}

}  // namespace
}  // namespace eventbus::settings
