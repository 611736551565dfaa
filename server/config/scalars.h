// The scalar values that settings, and the members of their lists, are made of: each knows how to
// read its text, what is allowed, and how to print itself.
#ifndef EVENTBUS_SERVER_CONFIG_SCALARS_H_
#define EVENTBUS_SERVER_CONFIG_SCALARS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace eventbus::settings {

// Of each kind, Read answers the value, or a status whose message says what is wrong and what is
// allowed; Print answers YAML; ValueName stands for the value in --help.

struct WholeNumber {
  using Value = std::uint64_t;
  static std::string ValueName() { return "N"; }
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  const char* zero = nullptr;  // What 0 means where it is allowed below min: "no bound".

  std::string Allowed() const;
  absl::StatusOr<std::uint64_t> Read(absl::string_view text) const;
  static std::string Print(std::uint64_t value);
};

struct ByteSize {
  using Value = std::uint64_t;
  static std::string ValueName() { return "SIZE"; }
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  const char* zero = nullptr;

  std::string Allowed() const;
  absl::StatusOr<std::uint64_t> Read(absl::string_view text) const;
  static std::string Print(std::uint64_t value);
};

struct TimeSpan {
  using Value = absl::Duration;
  static std::string ValueName() { return "DURATION"; }
  absl::Duration min;
  absl::Duration max;
  const char* zero = nullptr;  // If set, 0 is allowed, means this, and is read as infinite.

  std::string Allowed() const;
  absl::StatusOr<absl::Duration> Read(absl::string_view text) const;
  static std::string Print(absl::Duration value);
};

struct Switch {
  using Value = bool;
  static std::string ValueName() { return "true|false"; }

  std::string Allowed() const { return "true or false"; }
  absl::StatusOr<bool> Read(absl::string_view text) const;
  static std::string Print(bool value) { return value ? "true" : "false"; }
};

// Any text up to `max_bytes`, without control characters.
struct PlainText {
  using Value = std::string;
  static std::string ValueName() { return "TEXT"; }
  std::size_t min_bytes = 0;
  std::size_t max_bytes = 1024;

  std::string Allowed() const;
  absl::StatusOr<std::string> Read(absl::string_view text) const;
  static std::string Print(const std::string& value);
};

// host:port
struct Address {
  using Value = std::string;
  static std::string ValueName() { return "HOST:PORT"; }
  bool may_be_empty = false;

  std::string Allowed() const;
  absl::StatusOr<std::string> Read(absl::string_view text) const;
  static std::string Print(const std::string& value);
};

// redis://[user[:password]@]host[:port][/database], or rediss://, or empty
struct RedisUrl {
  using Value = std::string;
  static std::string ValueName() { return "URL"; }

  std::string Allowed() const;
  absl::StatusOr<std::string> Read(absl::string_view text) const;
  static std::string Print(const std::string& value);
};

template <typename Enum>
struct Choice {
  using Value = Enum;
  std::vector<std::pair<const char*, Enum>> names;

  std::string ValueName() const;
  std::string Allowed() const;
  absl::StatusOr<Enum> Read(absl::string_view text) const;
  std::string Print(Enum value) const;
};

// "one of a, b, c"
std::string OneOf(const std::vector<const char*>& names);
// Where `text` stands in `names`, in any case; negative if nowhere.
int IndexOf(absl::string_view text, const std::vector<const char*>& names);

template <typename Enum>
std::vector<const char*> NamesOf(const Choice<Enum>& choice) {
  std::vector<const char*> names;
  for (const auto& [name, value] : choice.names) names.push_back(name);
  return names;
}

template <typename Enum>
std::string Choice<Enum>::ValueName() const {
  return absl::StrJoin(NamesOf(*this), "|");
}

template <typename Enum>
std::string Choice<Enum>::Allowed() const {
  return OneOf(NamesOf(*this));
}

template <typename Enum>
absl::StatusOr<Enum> Choice<Enum>::Read(absl::string_view text) const {
  const int index = IndexOf(text, NamesOf(*this));
  if (index < 0) return absl::InvalidArgumentError("not a choice; allowed: " + Allowed());
  return names[static_cast<std::size_t>(index)].second;
}

template <typename Enum>
std::string Choice<Enum>::Print(Enum value) const {
  for (const auto& [name, choice] : names) {
    if (choice == value) return name;
  }
  return "\"\"";
}

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_SCALARS_H_
