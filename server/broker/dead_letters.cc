#include "server/broker/dead_letters.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/broker/letter_scan.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

// One page has no more than fits into an answer.
constexpr uint64_t kMaxPageBytes = uint64_t{3} << 20;
// Letters that are moved or removed in one step.
constexpr size_t kLettersPerStep = 100;
// Redriving is spread over the second in steps of about this.
constexpr absl::Duration kStepTime = absl::Milliseconds(100);
// How soon a pause ends if nobody waits for the answer any more: whoever cancelled, or a drain.
constexpr absl::Duration kLongestDeafness = absl::Milliseconds(200);

absl::Status NoSuchGroup(const std::string& group) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kGroupNotFound,
                   absl::StrCat("there is no group \"", group, "\""), {{"group", group}});
}

}  // namespace

DeadLetters::DeadLetters(const Context* context, Registry* registry, GroupEditor* editor,
                         std::function<void(absl::string_view)> advanced)
    : context_(context), registry_(registry), editor_(editor), advanced_(std::move(advanced)) {}

DeadLetters::~DeadLetters() = default;

void DeadLetters::Find(const std::string& group, FoundDone done) {
  registry_->Renew(
      lifetime_.Guard([this, group, done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status, {});
        Count(group, std::move(done));
      }));
}

void DeadLetters::Count(const std::string& group, FoundDone done) {
  if (registry_->FindGroup(group) == nullptr) return done(NoSuchGroup(group), {});
  struct Search {
    Found found;
    size_t open = 0;
    absl::Status status;
    FoundDone done;
  };
  auto search = std::make_shared<Search>();
  search->done = std::move(done);
  // Of all types: the group's patterns may have been others when its events died.
  search->open = registry_->types().size();
  if (search->open == 0) return search->done(absl::OkStatus(), {});
  for (const auto& [stream, type] : registry_->types()) {
    context_->store->CountLetters(
        stream, group,
        lifetime_.Guard([search, stream = stream](const absl::StatusOr<uint64_t>& count) {
          search->status.Update(count.status());
          if (count.value_or(0) > 0) {
            search->found.streams.push_back(stream);
            search->found.letters += *count;
          }
          if (--search->open > 0) return;
          search->done(search->status, std::move(search->found));
        }));
  }
}

void DeadLetters::End(std::shared_ptr<void> ended) {
  under_way_.erase(ended);
  // Not from within its own callbacks.
  context_->loop->Defer([ended = std::move(ended)] {});
}

// ---- Listing ----

// Is under way until it has answered.
class DeadLetters::Listing : public std::enable_shared_from_this<Listing> {
 public:
  Listing(DeadLetters* letters, ListLettersCommand command, Done<LetterPage> done)
      : letters_(*letters),
        context_(letters->context_),
        command_(std::move(command)),
        done_(std::move(done)) {}

  void Run(Found found) {
    letters_.under_way_.insert(shared_from_this());
    page_.total = found.letters;
    scan_ = std::make_unique<LetterScan>(context_, command_.group, command_.selection,
                                         std::move(found.streams),
                                         command_.after.value_or(LetterId()), EntryId::Max());
    Step();
  }

 private:
  void Step() {
    scan_->ReadNext([this](const absl::StatusOr<const DeadLetter*>& letter) { OnLetter(letter); });
  }
  void OnLetter(const absl::StatusOr<const DeadLetter*>& letter) {
    if (!letter.ok()) return Finish(letter.status());
    if (*letter == nullptr) return Finish(absl::OkStatus());
    const std::vector<LetterId>& ids = command_.selection.ids;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), (*letter)->id) == ids.end()) {
      return StepLater();
    }
    bytes_ += (*letter)->event.size();
    const bool full = page_.letters.size() == command_.page_size || bytes_ > kMaxPageBytes;
    if (full && !page_.letters.empty()) {
      page_.more = true;
      return Finish(absl::OkStatus());
    }
    page_.letters.push_back(**letter);
    StepLater();
  }
  // Not from within: thousands of letters would be as many frames of the stack.
  void StepLater() {
    context_->loop->Defer(lifetime_.Guard([this] { Step(); }));
  }
  void Finish(const absl::Status& status) {
    if (status.ok()) {
      done_(std::move(page_));
    } else {
      done_(status);
    }
    letters_.End(shared_from_this());
  }

  DeadLetters& letters_;
  const Context* const context_;
  const ListLettersCommand command_;
  Done<LetterPage> done_;
  LetterPage page_;
  uint64_t bytes_ = 0;
  std::unique_ptr<LetterScan> scan_;
  Lifetime lifetime_;
};

void DeadLetters::List(ListLettersCommand command, Done<LetterPage> done) {
  const std::string group = command.group;
  Find(group, [this, command = std::move(command), done = std::move(done)](
                  const absl::Status& status, Found found) mutable {
    if (!status.ok()) return done(status);
    std::make_shared<Listing>(this, std::move(command), std::move(done))->Run(std::move(found));
  });
}

// ---- Redriving and purging ----

// Takes the letters of a selection away in steps: to the side stream, or for good. Is under way
// until it has answered.
class DeadLetters::Removal : public std::enable_shared_from_this<Removal> {
 public:
  // `purge`: rather than redrive.
  Removal(DeadLetters* letters, RedriveCommand command, bool purge, Done<RedriveResult> done)
      : letters_(*letters),
        context_(letters->context_),
        command_(std::move(command)),
        purge_(purge),
        done_(std::move(done)),
        timer_(context_->loop->CreateTimer([this] { GoOn(); })) {
    for (const LetterId& id : command_.selection.ids) missing_.push_back(id);
    std::sort(missing_.begin(), missing_.end());
    missing_.erase(std::unique(missing_.begin(), missing_.end()), missing_.end());
  }

  const std::string& group() const { return command_.group; }

  // `now`: by the store's clock. What dies later is not meant.
  void Run(Found found, absl::Time now) {
    letters_.under_way_.insert(shared_from_this());
    const EntryId last = {static_cast<uint64_t>(absl::ToUnixMillis(now)) + 1, 0};
    scan_ = std::make_unique<LetterScan>(context_, command_.group, command_.selection,
                                         std::move(found.streams), LetterId(), last);
    Step();
  }
  // Answers. Also in place of Run.
  void Finish(const absl::Status& status) {
    if (status.ok()) {
      done_(std::move(result_));
    } else {
      done_(status);
    }
    timer_->Disarm();
    letters_.End(shared_from_this());
  }

 private:
  size_t StepSize() const {
    if (purge_ || command_.dry_run) return kLettersPerStep;
    const double in_step = command_.max_per_second * absl::ToDoubleSeconds(kStepTime);
    return static_cast<size_t>(std::clamp(in_step, 1.0, static_cast<double>(kLettersPerStep)));
  }

  bool cancelled() const { return command_.cancelled != nullptr && command_.cancelled(); }

  void Pause(absl::Duration pause) {
    paused_until_ = context_->loop->MonotonicNow() + pause;
    timer_->Arm(std::min(pause, kLongestDeafness));
  }
  // When the pause is over, or nobody waits any more.
  void GoOn() {
    const absl::Duration rest = paused_until_ - context_->loop->MonotonicNow();
    if (rest <= absl::ZeroDuration() || cancelled()) return Step();
    timer_->Arm(std::min(rest, kLongestDeafness));
  }

  // Collects the letters of one step.
  void Step() {
    if (cancelled()) {
      return Finish(absl::CancelledError("nobody waits for the answer any more"));
    }
    scan_->ReadNext([this](const absl::StatusOr<const DeadLetter*>& letter) { OnLetter(letter); });
  }
  void OnLetter(const absl::StatusOr<const DeadLetter*>& letter) {
    if (!letter.ok()) return Finish(letter.status());
    if (*letter == nullptr) {
      scanned_ = true;
      return Act();
    }
    if (Takes((*letter)->id)) {
      const bool enough = command_.max_letters > 0 && taken_ == command_.max_letters;
      if (enough) {
        ++result_.remaining;
      } else {
        ++taken_;
        if (command_.dry_run) {
          ++result_.redriven;
        } else {
          batch_[(*letter)->id.stream].push_back((*letter)->id.entry);
          ++batched_;
        }
      }
    }
    if (batched_ >= StepSize()) return Act();
    context_->loop->Defer(lifetime_.Guard([this] { Step(); }));
  }
  bool Takes(const LetterId& id) {
    if (command_.selection.ids.empty()) return true;
    const auto place = std::lower_bound(missing_.begin(), missing_.end(), id);
    if (place == missing_.end() || *place != id) return false;
    missing_.erase(place);
    return true;
  }

  // Carries out what was collected, stream by stream, then goes on.
  void Act() {
    if (batch_.empty()) {
      if (!scanned_) return Step();
      result_.not_found = std::move(missing_);
      return Finish(absl::OkStatus());
    }
    const std::string stream = batch_.begin()->first;
    if (purge_) return Remove(stream);
    AdmitSideStream(stream);
  }
  void Remove(const std::string& stream) {
    context_->store->RemoveLetters(stream, command_.group, TakeBatch(stream),
                                   lifetime_.Guard([this](const absl::StatusOr<uint64_t>& removed) {
                                     if (!removed.ok()) return Finish(removed.status());
                                     result_.redriven += *removed;
                                     Act();
                                   }));
  }
  // The group's definition says where its redriven events are, before there are any.
  void AdmitSideStream(const std::string& stream) {
    const KnownGroup* group = letters_.registry_->FindGroup(command_.group);
    if (group == nullptr) return Finish(NoSuchGroup(command_.group));
    const std::vector<std::string>& streams = group->definition.redriven_streams;
    if (std::binary_search(streams.begin(), streams.end(), stream)) return Move(stream);
    letters_.editor_->Edit(
        command_.group,
        [stream](KnownGroup* changed) {
          std::vector<std::string>& all = changed->definition.redriven_streams;
          const auto place = std::lower_bound(all.begin(), all.end(), stream);
          if (place == all.end() || *place != stream) all.insert(place, stream);
          return absl::OkStatus();
        },
        lifetime_.Guard([this, stream](const absl::StatusOr<KnownGroup>& changed) {
          if (!changed.ok()) return Finish(changed.status());
          Move(stream);
        }));
  }
  void Move(const std::string& stream) {
    context_->store->Redrive(
        stream, command_.group, TakeBatch(stream),
        lifetime_.Guard([this, stream](const absl::StatusOr<std::vector<EntryId>>& moved) {
          if (!moved.ok()) return Finish(moved.status());
          result_.redriven += moved->size();
          moved_ += moved->size();
          if (!moved->empty()) letters_.advanced_(SideStreamOf(stream, command_.group));
          if (!batch_.empty() || scanned_) return Act();
          Pause(absl::Seconds(static_cast<double>(std::exchange(moved_, 0)) /
                              command_.max_per_second));
        }));
  }
  std::vector<EntryId> TakeBatch(const std::string& stream) {
    const auto place = batch_.find(stream);
    std::vector<EntryId> ids = std::move(place->second);
    batched_ -= ids.size();
    batch_.erase(place);
    return ids;
  }

  DeadLetters& letters_;
  const Context* const context_;
  const RedriveCommand command_;
  const bool purge_;
  Done<RedriveResult> done_;
  std::unique_ptr<LetterScan> scan_;
  // Ids of the selection that were not met yet, sorted.
  std::vector<LetterId> missing_;
  uint64_t taken_ = 0;
  bool scanned_ = false;
  std::map<std::string, std::vector<EntryId>> batch_;
  size_t batched_ = 0;
  size_t moved_ = 0;
  // By the loop's monotonic clock.
  absl::Duration paused_until_;
  RedriveResult result_;
  std::unique_ptr<Timer> timer_;
  Lifetime lifetime_;
};

void DeadLetters::Start(std::shared_ptr<Removal> removal) {
  const std::string group = removal->group();
  Find(group, [this, removal = std::move(removal)](const absl::Status& status, Found found) {
    if (!status.ok()) return removal->Finish(status);
    if (found.streams.empty()) return removal->Run(std::move(found), context_->StoreNow());
    // The store's own word: what we know of its clock may lag, and leave out what died just now.
    const std::string stream = found.streams.front();
    context_->store->GetStreamInfo(
        stream, lifetime_.Guard([this, removal, found = std::move(found)](
                                    const absl::StatusOr<StreamInfo>& info) mutable {
          // It is gone meanwhile, with its letters.
          if (absl::IsNotFound(info.status())) {
            return removal->Run(std::move(found), context_->StoreNow());
          }
          if (!info.ok()) return removal->Finish(info.status());
          removal->Run(std::move(found), info->store_time);
        }));
  });
}

void DeadLetters::Redrive(RedriveCommand command, Done<RedriveResult> done) {
  Start(std::make_shared<Removal>(this, std::move(command), /*purge=*/false, std::move(done)));
}

void DeadLetters::Purge(PurgeLettersCommand command, Done<RedriveResult> done) {
  RedriveCommand removal;
  removal.group = std::move(command.group);
  removal.selection = std::move(command.selection);
  removal.dry_run = command.dry_run;
  removal.cancelled = std::move(command.cancelled);
  Start(std::make_shared<Removal>(this, std::move(removal), /*purge=*/true, std::move(done)));
}

}  // namespace eventbus
