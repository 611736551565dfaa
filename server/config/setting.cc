#include "server/config/setting.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace eventbus::settings {

Setting::Setting(About about, Kind kind) : about_(std::move(about)), kind_(std::move(kind)) {
  if (about_.flag.empty()) {
    about_.flag = absl::StrCat("--", absl::StrReplaceAll(about_.name, {{".", "-"}, {"_", "-"}}));
  }
}

std::string Setting::section() const { return about_.name.substr(0, about_.name.find('.')); }

std::string Setting::summary() const {
  const std::size_t end = about_.description.find(". ");
  return end == std::string::npos ? about_.description : about_.description.substr(0, end + 1);
}

std::string Setting::environment_variable() const {
  return absl::StrCat("EVENTBUS_",
                      absl::AsciiStrToUpper(absl::StrReplaceAll(about_.name, {{".", "_"}})));
}

std::vector<Complaint> Setting::Set(const Node& value, Config& config) const {
  std::vector<Complaint> complaints = kind_.set(value, config);
  if (about_.secret) {
    for (Complaint& complaint : complaints) complaint.value = "***";
  }
  return complaints;
}

std::string Setting::Print(const Config& config) const {
  std::string value = kind_.print(config);
  return about_.secret && value != "\"\"" ? "\"***\"" : value;
}

}  // namespace eventbus::settings
