#include "server/broker/group_state_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "server/broker/entry_reader.h"
#include "server/broker/fan_out.h"

namespace eventbus {
namespace {

constexpr size_t kStreamsAtOnce = 32;
// Records beyond this are left out: what they say of settled events is small change by then.
constexpr uint32_t kMaxStates = 2'000;

// NOT_FOUND is no error here: there is nothing.
absl::Status UnlessAbsent(const absl::Status& status) {
  return status.code() == absl::StatusCode::kNotFound ? absl::OkStatus() : status;
}

}  // namespace

// One stream; answers when the last share of it is gone.
struct GroupStateReader::Look {
  Look(std::string of, absl::Time at,
       absl::AnyInvocable<void(absl::StatusOr<GroupStreamState>)> answer)
      : stream(std::move(of)), now(at), done(std::move(answer)) {}

  template <typename T>
  auto Into(T* place, std::shared_ptr<Look> self) {
    return [self = std::move(self), place](absl::StatusOr<T> result) {
      self->status.Update(UnlessAbsent(result.status()));
      if (result.ok()) *place = *std::move(result);
    };
  }

  std::string stream;
  absl::Time now;
  absl::AnyInvocable<void(absl::StatusOr<GroupStreamState>)> done;
  GroupFindings findings;
  absl::Status status;
  int open = 0;
};

void GroupStateReader::ReadOne(const GroupOnStream& where,
                               absl::AnyInvocable<void(absl::StatusOr<GroupStreamState>)> done) {
  const auto& [stream, group] = where;
  StreamStore& store = *context_->store;
  auto look = std::make_shared<Look>(stream, context_->StoreNow(), std::move(done));
  // Each answer closes one; the last one answers.
  const auto closing = [this, look](auto into) {
    ++look->open;
    return lifetime_.Guard([look, into = std::move(into)](auto result) mutable {
      into(std::move(result));
      if (--look->open > 0) return;
      if (!look->status.ok()) return look->done(look->status);
      look->done(StateOf(look->stream, look->findings, look->now));
    });
  };
  GroupFindings& findings = look->findings;
  store.ListStates(stream, group, kMaxStates, closing(look->Into(&findings.states, look)));
  store.GetGroupInfo({SideStreamOf(stream, group.name), SideGroupOf(group.name), true},
                     closing(look->Into(&findings.side_info, look)));
  store.CountLetters(stream, group.name, closing(look->Into(&findings.letters, look)));
  store.GetGroupInfo({stream, group, true},
                     closing([this, look, closing](const absl::StatusOr<GroupInfo>& info) mutable {
                       look->status.Update(UnlessAbsent(info.status()));
                       if (!info.ok()) return;
                       look->findings.info = *info;
                       if (info->last_read == EntryId::Min()) return;
                       context_->store->ReadRange(
                           {look->stream, info->last_read, info->last_read, 1},
                           closing([look](const absl::StatusOr<std::vector<Entry>>& entries) {
                             look->status.Update(UnlessAbsent(entries.status()));
                             if (!entries.ok() || entries->empty()) return;
                             look->findings.last_read_events = static_cast<uint32_t>(
                                 CountEvents(entries->front().value.view()).value_or(0));
                           }));
                     }));
}

void GroupStateReader::Read(std::vector<GroupOnStream> streams, Done done) {
  auto results = std::make_shared<std::vector<GroupStreamState>>(streams.size());
  const size_t count = streams.size();
  FanOut(
      count, kStreamsAtOnce,
      [this, streams = std::move(streams), results](size_t i, FanOutDone one_done) {
        ReadOne(streams[i], [results, i, one_done = std::move(one_done)](
                                absl::StatusOr<GroupStreamState> state) mutable {
          absl::Status status = state.status();
          if (state.ok()) (*results)[i] = *std::move(state);
          one_done(std::move(status));
        });
      },
      [results, done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        done(std::move(*results));
      });
}

}  // namespace eventbus
