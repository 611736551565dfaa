#include "server/broker/letter_scan.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

// Of one stream, at a time: with events of 1 MiB and many streams more would be too much.
constexpr uint32_t kLettersPerRead = 16;

}  // namespace

LetterScan::LetterScan(const Context* context, std::string group, LetterSelection selection,
                       std::vector<std::string> streams, LetterId after, EntryId last)
    : context_(context),
      group_(std::move(group)),
      selection_(std::move(selection)),
      after_(std::move(after)),
      last_(last) {
  EntryId from = after_.entry;
  if (selection_.since > absl::FromUnixMillis(static_cast<int64_t>(from.ms))) {
    from = {static_cast<uint64_t>(absl::ToUnixMillis(selection_.since)), 0};
  }
  for (std::string& stream : streams) {
    if (selection_.TakesStream(stream)) cursors_.push_back({std::move(stream), from, {}, false});
  }
}

void LetterScan::ReadNext(Next next) {
  next_ = std::move(next);
  Refill();
  if (reads_under_way_ == 0) Advance();
}

void LetterScan::Refill() {
  for (size_t i = 0; i < cursors_.size(); ++i) {
    Cursor& cursor = cursors_[i];
    if (!cursor.letters.empty() || cursor.exhausted) continue;
    ++reads_under_way_;
    context_->store->ReadLetters(
        {cursor.stream, group_, cursor.from, kLettersPerRead},
        lifetime_.Guard([this, i](absl::StatusOr<std::vector<StoredLetter>> letters) {
          OnRead(i, std::move(letters));
        }));
  }
}

void LetterScan::OnRead(size_t index, absl::StatusOr<std::vector<StoredLetter>> letters) {
  Cursor& cursor = cursors_[index];
  if (letters.ok()) {
    cursor.exhausted = letters->size() < kLettersPerRead;
    for (StoredLetter& letter : *letters) {
      if (letter.id > last_) {
        cursor.exhausted = true;
        break;
      }
      cursor.from = letter.id.Next();
      if (std::tie(letter.id, cursor.stream) > std::tie(after_.entry, after_.stream)) {
        cursor.letters.push_back(std::move(letter));
      }
    }
  } else {
    failure_ = letters.status();
  }
  if (--reads_under_way_ == 0) Advance();
}

void LetterScan::Advance() {
  while (failure_.ok()) {
    Cursor* first = nullptr;
    for (Cursor& cursor : cursors_) {
      if (cursor.letters.empty()) {
        if (cursor.exhausted) continue;
        return Refill();
      }
      if (first == nullptr || std::tie(cursor.letters.front().id, cursor.stream) <
                                  std::tie(first->letters.front().id, first->stream)) {
        first = &cursor;
      }
    }
    if (first == nullptr) return Answer(nullptr);
    StoredLetter letter = std::move(first->letters.front());
    first->letters.pop_front();
    absl::StatusOr<DeadLetterDetails> details = DeadLetterDetails::FromJson(letter.details);
    if (!details.ok()) {
      context_->events->OnTrouble(absl::StrCat("dead letter ", letter.id.ToString(), " of stream ",
                                               first->stream, " was ignored"),
                                  details.status());
      continue;
    }
    if (!selection_.TakesDetails(*details)) continue;
    current_ = {{letter.id, first->stream}, std::move(letter.event), *std::move(details)};
    return Answer(&current_);
  }
  Answer(std::exchange(failure_, absl::OkStatus()));
}

void LetterScan::Answer(absl::StatusOr<const DeadLetter*> answer) {
  // It may call ReadNext, or destroy this.
  std::exchange(next_, nullptr)(std::move(answer));
}

}  // namespace eventbus
