#include "server/broker/pattern.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/fuzz/reference_matcher.h"

namespace eventbus {
namespace {

bool Matches(absl::string_view pattern, absl::string_view type) {
  const absl::StatusOr<Pattern> parsed = Pattern::Parse(pattern);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() && parsed->Matches(type);
}

std::string Complaint(absl::string_view pattern) {
  const absl::StatusOr<Pattern> parsed = Pattern::Parse(pattern);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << pattern;
  return std::string(parsed.status().message());
}

struct MatchCase {
  const char* pattern;
  std::vector<const char*> matches;
  std::vector<const char*> misses;
};

TEST(PatternTest, MatchesAsTheTableSays) {
  const std::vector<MatchCase> cases = {
      {"a.b", {"a.b"}, {"a", "a.b.c", "a.B", "b.a", "a.bb", "aa.b"}},
      {"*", {"a", "a.b", "a.b.c.d"}, {}},
      {"**", {"a", "a.b", "a.b.c.d"}, {}},
      {"+", {"a", "order"}, {"a.b", "a.b.c"}},
      {"billing.*",
       {"billing.credit_usage", "billing.invoice.created.v1"},
       {"billing", "billings.x", "a.billing.x"}},
      {"billing.**",
       {"billing", "billing.credit_usage", "billing.invoice.created.v1"},
       {"billings", "a.billing"}},
      {"billing.+", {"billing.credit_usage"}, {"billing", "billing.invoice.created"}},
      {"*.created", {"order.created"}, {"created", "shop.order.created", "order.created.v1"}},
      {"**.created", {"created", "order.created", "shop.order.created"}, {"order.created.v1"}},
      {"+.created", {"order.created"}, {"created", "shop.order.created"}},
      {"order.*.v1", {"order.created.v1"}, {"order.v1", "order.a.b.v1", "order.created.v2"}},
      {"order.**.v1",
       {"order.v1", "order.created.v1", "order.a.b.v1"},
       {"order", "v1", "order.v1.x"}},
      {"order.+.v1", {"order.created.v1"}, {"order.v1", "order.a.b.v1"}},
      {"*.*", {"a.b", "a.b.c"}, {"a"}},
      {"*.+", {"a.b"}, {"a", "a.b.c"}},
      {"+.*", {"a.b", "a.b.c"}, {"a"}},
      {"+.+", {"a.b"}, {"a", "a.b.c"}},
      {"**.*", {"a", "a.b", "a.b.c"}, {}},
      {"*.**", {"a", "a.b", "a.b.c"}, {}},
      {"+.**", {"a", "a.b", "a.b.c"}, {}},
      {"**.+", {"a", "a.b", "a.b.c"}, {}},
      {"**.**", {"a", "a.b", "a.b.c"}, {}},
      {"**.x.**", {"x", "a.x", "x.a", "a.x.b", "x.x"}, {"a", "a.b", "xx"}},
      {"**.x.*", {"x.a", "a.x.b", "x.a.b", "x.x"}, {"x", "a.x", "a"}},
      {"a.**.b.**.c",
       {"a.b.c", "a.x.b.c", "a.b.x.y.c", "a.b.b.c"},
       {"a.c", "a.b", "a.c.b", "a.b.c.d"}},
      {"a.*.**.b.*", {"a.x.b.y", "a.x.y.b.z", "a.b.b.b"}, {"a.b.c", "a.b.b", "a.x.b"}},
  };
  for (const MatchCase& match_case : cases) {
    for (const char* type : match_case.matches) {
      EXPECT_TRUE(Matches(match_case.pattern, type)) << match_case.pattern << " and " << type;
    }
    for (const char* type : match_case.misses) {
      EXPECT_FALSE(Matches(match_case.pattern, type)) << match_case.pattern << " and " << type;
    }
  }
}

// All sequences of up to `max_size` of the given segments, joined by dots.
std::vector<std::string> AllOf(const std::vector<std::string>& segments, size_t max_size) {
  std::vector<std::string> all;
  std::vector<std::string> longest = {""};
  for (size_t size = 1; size <= max_size; ++size) {
    std::vector<std::string> next;
    for (const std::string& head : longest) {
      for (const std::string& segment : segments) {
        next.push_back(head.empty() ? segment : head + "." + segment);
      }
    }
    all.insert(all.end(), next.begin(), next.end());
    longest = next;
  }
  return all;
}

TEST(PatternTest, AllSmallPatternsMatchAsTheReferenceSays) {
  const std::vector<std::string> types = AllOf({"a", "b"}, 5);
  for (const std::string& text : AllOf({"a", "b", "*", "**", "+"}, 4)) {
    const absl::StatusOr<Pattern> pattern = Pattern::Parse(text);
    ASSERT_TRUE(pattern.ok()) << text;
    for (const std::string& type : types) {
      ASSERT_EQ(pattern->Matches(type), ReferenceMatches(text, type)) << text << " and " << type;
    }
  }
}

TEST(PatternTest, RandomLongPatternsMatchAsTheReferenceSays) {
  std::mt19937_64 random(1);
  const std::vector<std::string> names = {"a", "b", "order", "v1", "a-b_c"};
  int matched = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::string> type;
    for (size_t size = 1 + random() % 16; type.size() < size;) {
      type.push_back(names[random() % names.size()]);
    }
    // Made from the type, so that many match.
    std::vector<std::string> pattern;
    int many = 0;
    for (const std::string& segment : type) {
      const uint64_t choice = random() % 12;
      if (choice == 0 && many < 4) {
        pattern.push_back("**");
        ++many;
      } else if (choice <= 2) {
        pattern.push_back("*");
      } else if (choice == 3) {
        pattern.push_back("+");
      } else if (choice == 4) {
        pattern.push_back(names[random() % names.size()]);
      } else if (choice != 5) {
        pattern.push_back(segment);
      }
    }
    if (pattern.empty()) continue;
    const std::string pattern_text = absl::StrJoin(pattern, ".");
    const std::string type_text = absl::StrJoin(type, ".");
    const bool expected = ReferenceMatches(pattern_text, type_text);
    matched += expected;
    ASSERT_EQ(Matches(pattern_text, type_text), expected) << pattern_text << " and " << type_text;
  }
  EXPECT_GT(matched, 1000);
}

TEST(PatternTest, ManyDoubleWildcardsCostNoMoreThanOthers) {
  const std::string pattern_text = absl::StrJoin(std::vector<std::string>(15, "**"), ".") + ".z";
  const std::string type = absl::StrJoin(std::vector<std::string>(16, "a"), ".");
  const absl::StatusOr<Pattern> pattern = Pattern::Parse(pattern_text);
  ASSERT_TRUE(pattern.ok());
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 10000; ++i) EXPECT_FALSE(pattern->Matches(type));
  // Trying every way would take about 3·10^8 steps for one match. This bound is generous for a
  // sanitizer.
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST(PatternTest, KnowsWhetherItIsExact) {
  EXPECT_TRUE(Pattern::Parse("a.b")->is_exact());
  for (const char* wildcard : {"*", "**", "+", "a.*", "a.*.b"}) {
    EXPECT_FALSE(Pattern::Parse(wildcard)->is_exact()) << wildcard;
  }
  EXPECT_EQ(Pattern::Parse("a.*")->text(), "a.*");
}

TEST(PatternTest, CopiesMatchOnTheirOwn) {
  absl::StatusOr<Pattern> original = Pattern::Parse("order.*.version_number_one");
  const Pattern copy = *original;
  original = Pattern::Parse("other");
  EXPECT_TRUE(copy.Matches("order.created.version_number_one"));
}

TEST(PatternTest, RefusalsSayWhatIsWrongAndWhere) {
  EXPECT_EQ(Complaint(""), "\"\" is not a valid pattern: it is empty");
  EXPECT_EQ(Complaint("a..b"), "\"a..b\" is not a valid pattern: the segment at offset 2 is empty");
  EXPECT_EQ(Complaint("a."), "\"a.\" is not a valid pattern: the segment at offset 2 is empty");
  EXPECT_EQ(Complaint("foo*.b"),
            "\"foo*.b\" is not a valid pattern: '*' at offset 3 is only part of a segment; the "
            "wildcards *, ** and + are whole segments");
  EXPECT_EQ(Complaint("a.***"),
            "\"a.***\" is not a valid pattern: '*' at offset 2 is only part of a segment; the "
            "wildcards *, ** and + are whole segments");
  EXPECT_EQ(Complaint("a.b c"),
            "\"a.b c\" is not a valid pattern: character ' ' at offset 3 is not one of "
            "[A-Za-z0-9_-.*+]");
  EXPECT_EQ(Complaint("a>b"),
            "\"a>b\" is not a valid pattern: character '>' at offset 1 is not one of "
            "[A-Za-z0-9_-.*+]");
  const std::string too_many = absl::StrJoin(std::vector<std::string>(17, "*"), ".");
  EXPECT_EQ(Complaint(too_many), "\"" + too_many +
                                     "\" is not a valid pattern: it has 17 segments, at most 16 "
                                     "are allowed");
  EXPECT_NE(Complaint(std::string(256, 'x')).find("it has 256 bytes"), std::string::npos);
}

TEST(PatternSetTest, MatchesWhenAnyPatternDoes) {
  const absl::StatusOr<PatternSet> set =
      PatternSet::Parse({"order.created", "user.login", "billing.*", "**.v2"});
  ASSERT_TRUE(set.ok());
  for (const char* type : {"order.created", "user.login", "billing.x.y", "a.v2"}) {
    EXPECT_TRUE(set->Matches(type)) << type;
  }
  for (const char* type : {"order", "order.created.v1", "user", "billing"}) {
    EXPECT_FALSE(set->Matches(type)) << type;
  }
}

TEST(PatternSetTest, EmptySetMatchesNothing) {
  EXPECT_FALSE(PatternSet().Matches("a"));
  const absl::StatusOr<PatternSet> set = PatternSet::Parse({});
  ASSERT_TRUE(set.ok());
  EXPECT_TRUE(set->empty());
}

TEST(PatternSetTest, EqualityLooksAtWhatIsInItAndNotAtOrderOrRepetition) {
  EXPECT_EQ(*PatternSet::Parse({"b", "a", "b"}), *PatternSet::Parse({"a", "b"}));
  EXPECT_FALSE(*PatternSet::Parse({"a"}) == *PatternSet::Parse({"a", "b"}));
}

TEST(PatternSetTest, RefusalNamesThePattern) {
  const absl::StatusOr<PatternSet> set = PatternSet::Parse({"a", "b.", "c."});
  EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(set.status().message(),
            "patterns[1]: \"b.\" is not a valid pattern: the segment at offset 2 is empty");
}

}  // namespace
}  // namespace eventbus
