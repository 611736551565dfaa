#include "server/rpc/admin_letters.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/broker/dead_letters.h"
#include "server/broker/entry_reader.h"
#include "server/broker/group_name.h"
#include "server/broker/letter_query.h"
#include "server/rpc/admin_call.h"
#include "server/rpc/errors.h"
#include "server/rpc/page.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

constexpr int kMaxLetterIds = 1'000;
constexpr int kMaxPatterns = 100;
constexpr double kMaxRate = 100'000;

static_assert(static_cast<int>(DeadLetterCause::kNacked) == v1::DEAD_LETTER_CAUSE_NACKED);
static_assert(static_cast<int>(DeadLetterCause::kDeadline) == v1::DEAD_LETTER_CAUSE_DEADLINE);
static_assert(static_cast<int>(DeadLetterCause::kRejected) == v1::DEAD_LETTER_CAUSE_REJECTED);
static_assert(static_cast<int>(DeadLetterCause::kCrashes) == v1::DEAD_LETTER_CAUSE_CRASHES);

absl::string_view View(const std::string& text) { return absl::string_view(text); }

absl::Status ReadGroupName(const std::string& name) {
  const std::optional<FieldViolation> violation = CheckGroupName(View(name), "group");
  if (violation.has_value()) return InvalidField(violation->field, violation->description);
  return absl::OkStatus();
}

absl::Status ReadIds(const v1::DeadLetterSelection& selection, LetterSelection* result) {
  constexpr char kField[] = "selection.letter_ids";
  if (selection.letter_ids_size() > kMaxLetterIds) {
    return InvalidField(kField, absl::StrCat("has ", selection.letter_ids_size(), " ids, at most ",
                                             kMaxLetterIds, " are allowed"));
  }
  for (int i = 0; i < selection.letter_ids_size(); ++i) {
    absl::StatusOr<LetterId> id = LetterId::Parse(View(selection.letter_ids(i)));
    if (!id.ok()) {
      return InvalidRequest(Reason::kBadPosition,
                            {{absl::StrCat(kField, "[", i, "]"),
                              absl::StrCat(QuoteForMessage(View(selection.letter_ids(i))),
                                           " is not the id of a dead letter")}},
                            1);
    }
    result->ids.push_back(*std::move(id));
  }
  return absl::OkStatus();
}

absl::Status ReadPatterns(const v1::DeadLetterSelection& selection, LetterSelection* result) {
  constexpr char kField[] = "selection.patterns";
  if (selection.patterns().empty()) return absl::OkStatus();
  if (selection.patterns_size() > kMaxPatterns) {
    return InvalidField(kField, absl::StrCat("has ", selection.patterns_size(),
                                             " patterns, at most ", kMaxPatterns, " are allowed"));
  }
  std::vector<std::string> patterns;
  for (int i = 0; i < selection.patterns_size(); ++i) {
    const absl::StatusOr<Pattern> pattern = Pattern::Parse(View(selection.patterns(i)));
    if (!pattern.ok()) {
      return InvalidField(absl::StrCat(kField, "[", i, "]"), pattern.status().message());
    }
    patterns.push_back(selection.patterns(i));
  }
  absl::StatusOr<PatternSet> set = PatternSet::Parse(patterns);
  if (!set.ok()) return InvalidField(kField, set.status().message());
  result->patterns = *std::move(set);
  return absl::OkStatus();
}

absl::Status ReadSelection(const v1::DeadLetterSelection& selection, LetterSelection* result) {
  absl::Status status = ReadIds(selection, result);
  if (status.ok()) status = ReadPatterns(selection, result);
  for (int i = 0; status.ok() && i < selection.causes_size(); ++i) {
    const auto cause = selection.causes(i);
    if (cause < v1::DEAD_LETTER_CAUSE_NACKED || cause > v1::DEAD_LETTER_CAUSE_CRASHES) {
      status = InvalidField(absl::StrCat("selection.causes[", i, "]"), "is not a cause");
    }
    result->causes.push_back(static_cast<DeadLetterCause>(cause));
  }
  if (status.ok() && selection.has_since()) {
    status = ReadTimestamp("selection.since", selection.since(), &result->since);
  }
  if (status.ok() && selection.has_until()) {
    status = ReadTimestamp("selection.until", selection.until(), &result->until);
  }
  return status;
}

// `all` or `selection`, of which one must be set.
template <typename Request>
absl::Status ReadWhich(const Request& request, LetterSelection* selection) {
  switch (request.which_case()) {
    case Request::kAll:
      if (!request.all()) return InvalidField("all", "must be true if it is set");
      return absl::OkStatus();
    case Request::kSelection:
      return ReadSelection(request.selection(), selection);
    case Request::WHICH_NOT_SET:
      break;
  }
  return InvalidField("which", "all or selection is required");
}

absl::StatusOr<ListLettersCommand> ReadList(const v1::ListDeadLettersRequest& request) {
  ListLettersCommand command;
  command.group = request.group();
  if (absl::Status status = ReadGroupName(request.group()); !status.ok()) return status;
  if (absl::Status status = ReadSelection(request.selection(), &command.selection); !status.ok()) {
    return status;
  }
  const absl::StatusOr<PageRequest> page =
      ReadPage(request.page_size(), View(request.page_token()));
  if (!page.ok()) return page.status();
  command.page_size = page->size;
  if (!page->after.empty()) {
    absl::StatusOr<LetterId> after = LetterId::Parse(page->after);
    if (!after.ok()) return InvalidField("page_token", "is not a page token of this call");
    command.after = *std::move(after);
  }
  return command;
}

absl::StatusOr<RedriveCommand> ReadRedrive(const v1::RedriveDeadLettersRequest& request,
                                           CallContext* context) {
  RedriveCommand command;
  command.group = request.group();
  absl::Status status = ReadGroupName(request.group());
  if (status.ok()) status = ReadWhich(request, &command.selection);
  if (!status.ok()) return status;
  if (request.has_max_per_second()) {
    const double rate = request.max_per_second();
    // Also false for NaN.
    if (!(rate > 0 && rate <= kMaxRate)) {
      return InvalidField("max_per_second",
                          absl::StrCat("is ", rate, ", must be above 0 and at most ", kMaxRate));
    }
    command.max_per_second = rate;
  }
  command.max_letters = request.max_letters();
  command.dry_run = request.dry_run();
  command.cancelled = CancelledIn(context);
  return command;
}

absl::StatusOr<PurgeLettersCommand> ReadPurge(const v1::PurgeDeadLettersRequest& request,
                                              CallContext* context) {
  PurgeLettersCommand command;
  command.group = request.group();
  absl::Status status = ReadGroupName(request.group());
  if (status.ok()) status = ReadWhich(request, &command.selection);
  if (!status.ok()) return status;
  command.dry_run = request.dry_run();
  command.cancelled = CancelledIn(context);
  return command;
}

void WriteLetter(const DeadLetter& letter, v1::DeadLetter* written) {
  const DeadLetterDetails& details = letter.details;
  written->set_letter_id(letter.id.ToString());
  v1::RecordedEvent& recorded = *written->mutable_event();
  EntryReader reader(letter.event.view());
  FramedEvent event;
  if (reader.Next(&event)) {
    recorded.mutable_event()->ParseFromArray(event.event.data(),
                                             static_cast<int>(event.event.size()));
  }
  recorded.set_stream(letter.id.stream);
  recorded.set_position(details.position.ToString());
  const auto time = [](uint64_t ms) {
    return WriteTimestamp(absl::FromUnixMillis(static_cast<int64_t>(ms)));
  };
  *recorded.mutable_stored_time() = time(details.position.entry.ms);
  written->set_cause(static_cast<v1::DeadLetterCause>(details.cause));
  for (const std::string& reason : details.reasons) written->add_reasons(reason);
  written->set_attempts(details.attempts);
  written->set_times_delivered(details.times_delivered);
  if (details.first_delivery_ms > 0) {
    *written->mutable_first_delivery_time() = time(details.first_delivery_ms);
  }
  *written->mutable_dead_time() = time(details.dead_ms);
  written->set_redriven(details.redriven);
}

}  // namespace

UnaryReactor* StartListDeadLetters(const RpcContext& rpc, CallContext* context,
                                   const v1::ListDeadLettersRequest* request,
                                   v1::ListDeadLettersResponse* response) {
  return RunAdminCall<LetterPage>(
      rpc, context, "ListDeadLetters", ReadList(*request),
      [](Broker& broker, ListLettersCommand command, AdminDone<LetterPage> done) {
        broker.dead_letters().List(std::move(command), std::move(done));
      },
      [response](const LetterPage& page) {
        for (const DeadLetter& letter : page.letters) WriteLetter(letter, response->add_letters());
        if (page.more) {
          response->set_next_page_token(WritePageToken(page.letters.back().id.ToString()));
        }
        response->set_total_letters(page.total);
      });
}

UnaryReactor* StartRedriveDeadLetters(const RpcContext& rpc, CallContext* context,
                                      const v1::RedriveDeadLettersRequest* request,
                                      v1::RedriveDeadLettersResponse* response) {
  return RunAdminCall<RedriveResult>(
      rpc, context, "RedriveDeadLetters", ReadRedrive(*request, context),
      [](Broker& broker, RedriveCommand command, AdminDone<RedriveResult> done) {
        broker.dead_letters().Redrive(std::move(command), std::move(done));
      },
      [response](const RedriveResult& result) {
        response->set_redriven(result.redriven);
        response->set_remaining(result.remaining);
        for (const LetterId& id : result.not_found) response->add_not_found(id.ToString());
      });
}

UnaryReactor* StartPurgeDeadLetters(const RpcContext& rpc, CallContext* context,
                                    const v1::PurgeDeadLettersRequest* request,
                                    v1::PurgeDeadLettersResponse* response) {
  return RunAdminCall<RedriveResult>(
      rpc, context, "PurgeDeadLetters", ReadPurge(*request, context),
      [](Broker& broker, PurgeLettersCommand command, AdminDone<RedriveResult> done) {
        broker.dead_letters().Purge(std::move(command), std::move(done));
      },
      [response](const RedriveResult& result) {
        response->set_purged(result.redriven);
        for (const LetterId& id : result.not_found) response->add_not_found(id.ToString());
      });
}

}  // namespace eventbus
