// The text side of eventbusctl.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <string>
#include <variant>

#include "client/cli/admin.h"
#include "client/cli/app.h"
#include "client/cli/completion.h"
#include "client/cli/event_json.h"
#include "client/cli/filter_option.h"
#include "client/cli/json_text.h"
#include "client/cli/line_reader.h"
#include "client/cli/progress.h"
#include "client/cli/start_option.h"

namespace eventbus::cli {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

std::string RoundTrip(const std::string& line) {
  const auto event = ParseEventLine(line);
  return event.ok() ? FormatEventLine(*event) : event.status().ToString();
}

TEST(EventLineTest, ComesBackAsItWas) {
  for (
      const std::string line : {
          R"({"id":"1","type":"a.b","datacontenttype":"application/json","data":{"z":1.0,"a":12345678901234567890123,"e":1e2,"u":"\u00e9"}})",
          R"({"specversion":"1.0","id":"1","source":"/s","type":"a.b","datacontenttype":"text/plain","data":"line\nbreak"})",
          R"({"id":"1","type":"a.b","data_base64":"AAEC/w=="})",
          R"({"id":"1","type":"a.b","datacontenttype":"application/pdf","data_base64":"JVBERg=="})",
          R"({"id":"1","type":"a.b","flag":true,"number":-7,"text":"true","time":"2026-01-31T08:00:00.123456789Z"})",
          R"({"id":"1","type":"a.b","datacontenttype":"application/vnd.x+json","dataschema":"urn:x","data":null})",
          R"({"id":"1","type":"a.b","data_proto":{"type_url":"x/y","value":"AAE="}})",
          R"({"id":"1","type":"a.b"})",
      }) {
    EXPECT_EQ(RoundTrip(line), line);
  }
}

TEST(EventLineTest, JsonDataIsTakenByteForByte) {
  const auto event = ParseEventLine(R"({"type":"a.b","data": {"b" : 1.00, "a":[ ] } })");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->binary_data(), R"({"b" : 1.00, "a":[ ] })");
  EXPECT_EQ(client::GetAttribute(*event, "datacontenttype"), "application/json");
  EXPECT_NE(event->id(), "");
}

TEST(EventLineTest, JsonOverSeveralLinesIsPutOnOneWithoutTouchingValues) {
  const client::Event event =
      client::MakeJsonEvent("a.b", "{\n  \"a b\": 1.0,\n  \"q\": \"x \\\" y\"\n}\n");
  EXPECT_THAT(FormatEventLine(event), HasSubstr(R"("data":{"a b":1.0,"q":"x \" y"})"));
}

TEST(EventLineTest, BytesThatAreNoJsonAreBase64WhateverTheirTypeClaims) {
  EXPECT_THAT(FormatEventLine(client::MakeJsonEvent("a.b", "{broken")),
              HasSubstr("\"data_base64\":\"e2Jyb2tlbg==\""));
}

TEST(EventLineTest, AnyEventComesBack) {
  client::Event event = client::MakeTextEvent("a.b", "gr\xc3\xbc\xc3\x9f");
  (*event.mutable_attributes())["when"].set_ce_integer(3);
  client::SetAttribute(event, "quote", "\"\\\x01");
  const auto parsed = ParseEventLine(FormatEventLine(event));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(MessageDifferencer::Equals(event, *parsed));
}

TEST(EventLineTest, SaysWhatIsWrong) {
  const auto error = [](absl::string_view line) {
    return std::string(ParseEventLine(line).status().message());
  };
  EXPECT_THAT(error("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(error("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error("{}"), HasSubstr("type: missing"));
  EXPECT_THAT(error(R"({"type":1})"), HasSubstr("type: not a JSON string"));
  EXPECT_THAT(error(R"({"type":"a","type":"b"})"), HasSubstr("\"type\" occurs twice"));
  EXPECT_THAT(error(R"({"type":"a","data":1,"data_base64":""})"), HasSubstr("beside data"));
  EXPECT_THAT(error(R"({"type":"a","data_base64":"*"})"), HasSubstr("base64"));
  EXPECT_THAT(error(R"({"type":"a","x":1.5})"), HasSubstr("x: an attribute is"));
  EXPECT_THAT(error(R"({"type":"a","time":"noon"})"), HasSubstr("RFC 3339"));
  EXPECT_THAT(error(R"({"type":"a","datacontenttype":"text/plain","data":{}})"),
              HasSubstr("text/plain"));
}

TEST(StartTest, TakesEachKindOfStart) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  const auto time = [&](const std::string& text) {
    return std::get<absl::Time>(ParseStart({text}, now)->value());
  };
  EXPECT_EQ(time("10m"), now - absl::Minutes(10));
  EXPECT_EQ(time("1970-01-01T00:00:05Z"), absl::FromUnixSeconds(5));
  EXPECT_TRUE(std::holds_alternative<client::StartAt::FromEarliest>(
      ParseStart({"earliest"}, now)->value()));
  const auto after = *ParseStart({"a.b=1-2", "c=3"}, now);
  EXPECT_EQ(std::get<client::StartAt::AfterPositions>(after.value()).positions.at("a.b"), "1-2");
  EXPECT_FALSE(ParseStart({"yesterday"}, now).ok());
  EXPECT_FALSE(ParseStart({"latest", "a=1"}, now).ok());
}

TEST(StartTest, AMomentIsATimeOrSoLongAgo) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  EXPECT_EQ(ParseMoment("1970-01-01T00:00:07Z", now).value_or(now), absl::FromUnixSeconds(7));
  EXPECT_EQ(ParseMoment("10m", now).value_or(now), now - absl::Minutes(10));
  for (const char* text : {"latest", "a=1-0-0", "noon", ""}) {
    EXPECT_THAT(ParseMoment(text, now).status().message(), HasSubstr("neither a time")) << text;
  }
}

TEST(FilterTest, TakesEachKindOfCondition) {
  v1::AttributeFilter filter;
  ASSERT_TRUE(ReadFilter({"source^=/eu/", "level=high=er", "file$=.pdf", "empty="}, &filter).ok());
  ASSERT_EQ(filter.conditions_size(), 4);
  EXPECT_EQ(filter.conditions(0).attribute(), "source");
  EXPECT_EQ(filter.conditions(0).prefix(), "/eu/");
  EXPECT_EQ(filter.conditions(1).attribute(), "level");
  EXPECT_EQ(filter.conditions(1).exact(), "high=er");
  EXPECT_EQ(filter.conditions(2).attribute(), "file");
  EXPECT_EQ(filter.conditions(2).suffix(), ".pdf");
  EXPECT_TRUE(filter.conditions(3).has_exact());
  for (const char* text : {"source", "=x", "^=x", "$=x", ""}) {
    EXPECT_THAT(ReadFilter({text}, &filter).message(), HasSubstr("NAME^=PREFIX")) << text;
  }
}

TEST(TableTest, ControlCharactersOfOthersAreNotPrinted) {
  Table table({"ID", "REASON"});
  table.Add({"7", "no\x1b[2J\nsuch\taccount"});
  EXPECT_EQ(table.Text(), "ID  REASON\n 7  no?[2J such account\n");
}

TEST(DurationTest, PlainNumbersAreSeconds) {
  EXPECT_EQ(*ParseDuration("1.5"), absl::Milliseconds(1500));
  EXPECT_EQ(*ParseDuration("1m30s"), absl::Seconds(90));
  EXPECT_FALSE(ParseDuration("-1").ok());
  EXPECT_FALSE(ParseDuration("soon").ok());
  EXPECT_FALSE(ParseDuration("nan").ok());
}

TEST(ProgressTest, ShowsShareCountRateAndRest) {
  EXPECT_EQ(ProgressLine(1'040'000, 0.5, absl::Seconds(2)),
            "[############............] 50%  1,040,000 events  520k/s  2s left");
  EXPECT_EQ(ProgressLine(999, -1, absl::Seconds(1)), "999 events  999/s");
}

TEST(LineReaderTest, GivesLinesWithAndWithoutTheirEnds) {
  const std::string path = testing::TempDir() + "/lines";
  std::ofstream(path, std::ios::binary) << "one\r\n\ntwo";
  const Interrupt interrupt;
  auto lines = LineReader::Open(path, interrupt);
  ASSERT_TRUE(lines.ok());
  absl::string_view line;
  for (const char* expected : {"one", "", "two"}) {
    ASSERT_EQ(lines->Next(line), LineReader::Result::kLine);
    EXPECT_EQ(line, expected);
  }
  EXPECT_EQ(lines->Next(line), LineReader::Result::kEnd);
  EXPECT_EQ(lines->line_number(), 3u);
  EXPECT_EQ(lines->bytes_read(), lines->bytes_total());
}

TEST(LineReaderTest, AMissingFileIsNamed) {
  const Interrupt interrupt;
  EXPECT_THAT(std::string(LineReader::Open("/no/such", interrupt).status().message()),
              HasSubstr("/no/such"));
}

TEST(CompletionTest, KnowsEveryCommandAndOptionOfTheApp) {
  CommandLine line;
  const auto app = MakeApp(line);
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = CompletionScript(*app, shell);
    for (const CLI::App* command : app->get_subcommands(nullptr)) {
      EXPECT_THAT(script, HasSubstr(command->get_name())) << shell;
      for (const CLI::Option* option : command->get_options()) {
        for (const std::string& name : option->get_lnames()) {
          EXPECT_THAT(script, HasSubstr(name)) << shell;
        }
      }
    }
    EXPECT_THAT(script, HasSubstr("pretty ndjson raw")) << shell;
    EXPECT_THAT(script, HasSubstr("bash zsh fish")) << shell;
  }
}

TEST(CommandLineTest, ReadsOptionsBeforeAndBehindTheCommand) {
  CommandLine line;
  const auto app = MakeApp(line);
  app->parse("--server a:1 sub x.* y --group g --count 3 --output ndjson --from 5m --timeout 2s");
  EXPECT_EQ(line.command, CommandLine::Command::kReceive);
  EXPECT_EQ(line.global.server, "a:1");
  EXPECT_EQ(line.global.timeout, absl::Seconds(2));
  EXPECT_THAT(line.receive.patterns, testing::ElementsAre("x.*", "y"));
  EXPECT_EQ(line.receive.group, "g");
  EXPECT_EQ(line.receive.count, 3u);
  EXPECT_EQ(line.receive.output, OutputFormat::kNdjson);
}

TEST(CommandLineTest, RefusesWhatMakesNoSense) {
  for (const char* arguments : {"",
                                "pub",
                                "sub",
                                "sub x --group g --ephemeral",
                                "sub x --from noon",
                                "pub a --ndjson f",
                                "pub a --attr x",
                                "pub a --count 0",
                                "nonsense",
                                "completion tcsh",
                                "sub x --output xml",
                                "tail x --group g",
                                "letters",
                                "letters list",
                                "letters redrive g",
                                "letters purge g",
                                "letters purge g --all --id x",
                                "letters purge g --cause bored",
                                "letters list g --since x",
                                "letters redrive g --all --rate 0",
                                "group pause",
                                "group pause g --until 10m",
                                "group pause g --for 1m --until 2026-01-31T08:00:00Z",
                                "group seek g",
                                "group seek g --to x",
                                "group update g",
                                "group update g --retry-delay soon",
                                "group update g --filter source",
                                "group update g --retry-delays 1s,,2s",
                                "event get a",
                                "event recent --filter x"}) {
    CommandLine line;
    EXPECT_THROW(MakeApp(line)->parse(std::string(arguments)), CLI::ParseError) << arguments;
  }
}

}  // namespace
}  // namespace eventbus::cli
