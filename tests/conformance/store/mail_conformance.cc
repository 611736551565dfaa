// Mail: what one instance tells whoever has an entry.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
absl::StatusOr<std::vector<MailOutcome>> StoreConformanceTest::TryLeaveMail(
    std::vector<Mail> mail) {
  return Await<std::vector<MailOutcome>>([&](auto done) {
    b_->LeaveMail({kStream, group_, std::move(mail)}, std::move(done));
  });
}

std::vector<MailOutcome> StoreConformanceTest::LeaveMail(std::vector<Mail> mail) {
  absl::StatusOr<std::vector<MailOutcome>> outcomes = TryLeaveMail(std::move(mail));
  EXPECT_TRUE(outcomes.ok()) << outcomes.status();
  return outcomes.value_or(std::vector<MailOutcome>());
}

std::vector<std::string> StoreConformanceTest::MailOf(std::vector<EntryId> ids) {
  const auto states = Await<std::vector<EntryState>>(
      [&](auto done) { a_->ReadStates(kStream, group_, std::move(ids), std::move(done)); });
  EXPECT_TRUE(states.ok()) << states.status();
  std::vector<std::string> mail;
  if (!states.ok()) return mail;
  for (const EntryState& state : *states) mail.push_back(state.mail);
  return mail;
}

std::vector<EntryId> StoreConformanceTest::FillMail() {
  CreateStreamWithGroup();
  std::vector<EntryId> ids;
  for (size_t i = 0; i < kFullMails + 3; ++i) ids.push_back(Append(std::to_string(i)));
  ReadGroup("one");
  for (size_t i = 0; i < kFullMails + 2; ++i) {
    LeaveMail({{ids[i], std::string(kMaxMailBytes, 'x')}});
  }
  return ids;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(StoreConformanceTest, MailIsKeptWithThePendingEntryInTheOrderInWhichItCame) {
  CreateStreamWithGroup();
  const EntryId first = Append("first");
  const EntryId second = Append("second");
  ReadGroup("one");
  EXPECT_THAT(LeaveMail({{first, "a"}, {second, "b"}}),
              ElementsAre(MailOutcome::kLeft, MailOutcome::kLeft));
  EXPECT_THAT(LeaveMail({{first, std::string("\0c", 2)}}), ElementsAre(MailOutcome::kLeft));
  EXPECT_THAT(MailOf({second, first}), ElementsAre("b", std::string("a\0c", 3)));
}

TEST_P(StoreConformanceTest, NoMailForWhatNobodyHas) {
  CreateStreamWithGroup();
  const EntryId unread = Append("unread");
  EXPECT_THAT(LeaveMail({{unread, "a"}}), ElementsAre(MailOutcome::kNotPending));
  ReadGroup("one");
  Ack({unread});
  EXPECT_THAT(LeaveMail({{unread, "a"}, {{1, 1}, "b"}}),
              ElementsAre(MailOutcome::kNotPending, MailOutcome::kNotPending));
  EXPECT_THAT(MailOf({unread}), IsEmpty());
}

TEST_P(StoreConformanceTest, MailForAGroupThatIsNotThere) {
  CreateStream();
  EXPECT_EQ(TryLeaveMail({{{1, 1}, "a"}}).status().code(), kNotFound);
}

// Whoever left it too: the entry may have become its own meanwhile.
TEST_P(StoreConformanceTest, AllHearOnceWhoseEntryHasMail) {
  CreateStreamWithGroup();
  const EntryId entry = Append("entry");
  ReadGroup("one");
  LeaveMail({{entry, "a"}});
  const MailNotice notice = {kStream, group_, entry, "one"};
  EXPECT_TRUE(world_->WaitUntil([&] { return !a_hears_.mail.empty() && !b_hears_.mail.empty(); }));
  world_->LetEverythingArrive();
  EXPECT_THAT(a_hears_.mail, ElementsAre(notice));
  EXPECT_THAT(b_hears_.mail, ElementsAre(notice));
}

TEST_P(StoreConformanceTest, WhoClaimsTheEntryGetsItsMail) {
  CreateStreamWithGroup();
  const EntryId entry = Append("entry");
  Append("other");
  ReadGroup("one");
  WriteStates("one", {{entry, "record"}});
  LeaveMail({{entry, "a"}});
  const ClaimResult claimed = Claim("one", "two");
  ASSERT_THAT(claimed.entries, SizeIs(2));
  EXPECT_EQ(claimed.entries[0].mail, "a");
  EXPECT_EQ(claimed.entries[0].record, "record");
  EXPECT_EQ(claimed.entries[1].mail, "");
  // It is still there for the next one.
  LeaveMail({{entry, "b"}});
  EXPECT_EQ(Claim("two", "three").entries[0].mail, "ab");
}

TEST_P(StoreConformanceTest, MailOutlivesWhatIsWrittenAboutTheEntry) {
  CreateStreamWithGroup();
  const EntryId entry = Append("entry");
  ReadGroup("one");
  LeaveMail({{entry, "a"}});
  WriteStates("one", {{entry, "record"}});
  Release("one", {entry}, {{entry, "record"}});
  EXPECT_THAT(MailOf({entry}), ElementsAre("a"));
}

TEST_P(StoreConformanceTest, MailGoesWithItsEntry) {
  CreateStreamWithGroup();
  const EntryId entry = Append("entry");
  ReadGroup("one");
  LeaveMail({{entry, "a"}});
  EXPECT_THAT(MailOf({entry}), ElementsAre("a"));
  Ack({entry});
  EXPECT_THAT(MailOf({entry}), IsEmpty());
}

// The ack was made by somebody who had not heard of the mail.
TEST_P(StoreConformanceTest, MailThatCameTooLateIsDropped) {
  CreateStreamWithGroup();
  const EntryId done = Append("done");
  const EntryId held = Append("held");
  ReadGroup("one");
  LeaveMail({{done, "a"}, {held, "b"}});
  Ack({done});
  world_->Run([&] { a_->DropMail(kStream, group_, "one", {done, held}); });
  EXPECT_THAT(MailOf({done}), IsEmpty());
  EXPECT_THAT(MailOf({held}), ElementsAre("b"));
}

TEST_P(StoreConformanceTest, NotMoreMailThanAnEntryMayHave) {
  CreateStreamWithGroup();
  const EntryId entry = Append("entry");
  ReadGroup("one");
  EXPECT_THAT(LeaveMail({{entry, std::string(kMaxMailBytes, 'x')}}),
              ElementsAre(MailOutcome::kLeft));
  EXPECT_THAT(LeaveMail({{entry, "y"}}), ElementsAre(MailOutcome::kFull));
  EXPECT_EQ(MailOf({entry})[0].size(), kMaxMailBytes);
}

// One client can fill the mail of many entries.
TEST_P(StoreConformanceTest, AClaimBringsSoManyEntriesAsTheirMailAllows) {
  FillMail();
  const ClaimResult first = Claim("one", "two");
  EXPECT_THAT(first.entries, SizeIs(kFullMails));
  EXPECT_TRUE(first.more);
  EXPECT_THAT(PendingIds("two"), SizeIs(kFullMails));
  const ClaimResult rest = Claim("one", "two");
  ASSERT_THAT(rest.entries, SizeIs(3));
  EXPECT_EQ(rest.entries[1].mail.size(), kMaxMailBytes);
  EXPECT_FALSE(rest.more);
}

TEST_P(StoreConformanceTest, MailThatDoesNotFitIsReadOnItsOwn) {
  const std::vector<EntryId> ids = FillMail();
  WriteStates("one", {{ids[kFullMails], "record"}, {ids.back(), "last"}});
  const auto read = [&](std::vector<EntryId> some) {
    return *Await<std::vector<EntryState>>(
        [&](auto done) { a_->ReadStates(kStream, group_, std::move(some), std::move(done)); });
  };
  const std::vector<EntryState> all = read(ids);
  ASSERT_THAT(all, SizeIs(kFullMails + 3));
  EXPECT_EQ(all[kFullMails - 1].mail.size(), kMaxMailBytes);
  EXPECT_FALSE(all[kFullMails - 1].mail_left_out);
  EXPECT_EQ(all[kFullMails].record, "record");
  EXPECT_EQ(all[kFullMails].mail, "");
  EXPECT_TRUE(all[kFullMails].mail_left_out);
  EXPECT_TRUE(all[kFullMails + 1].mail_left_out);
  EXPECT_EQ(all[kFullMails + 2].record, "last");
  EXPECT_FALSE(all[kFullMails + 2].mail_left_out);
  const std::vector<EntryState> rest = read({ids[kFullMails], ids[kFullMails + 1]});
  ASSERT_THAT(rest, SizeIs(2));
  EXPECT_EQ(rest[0].mail.size(), kMaxMailBytes);
  EXPECT_EQ(rest[1].mail.size(), kMaxMailBytes);
}

}  // namespace
}  // namespace eventbus
