"""The C++ client as its users get it: installed, found by CMake, used as docs/clients.md shows."""

import re
import subprocess

import pytest

from harness.daemon import BIN_DIR, is_sanitized
from harness.stubs import ROOT
from harness.waiting import DEADLINE

PROGRAM = """
#include <cstdio>
#include <string>
#include "absl/synchronization/notification.h"
{include}
absl::Notification stored;
absl::Status Store(absl::string_view data) {{
  std::puts(std::string(data).c_str());
  if (!stored.HasBeenNotified()) stored.Notify();
  return absl::OkStatus();
}}
absl::Status Run() {{
  {code}
  if (!published.ok()) return published.status();
  if (!subscription.ok()) return subscription.status();
  published = client->Publish(MakeJsonEvent("order.completed.v1", R"({{"order":18}})"));
  stored.WaitForNotification();
  return published.status();
}}
int main() {{
  const absl::Status status = Run();
  std::fputs(std::string(status.message()).c_str(), stderr);
  return status.ok() ? 0 : 1;
}}
"""


def run(*command, deadline: float = 15 * DEADLINE) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=deadline
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)  # A busy machine takes a while to compile what includes gRPC.
@pytest.mark.skipif(is_sanitized(), reason="a sanitized library wants a sanitized program")
def test_program_of_the_manual_builds_and_runs(daemon, tmp_path):
    page = (ROOT / "docs/clients.md").read_text()
    [cmake] = re.findall(r"^```cmake\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    [code] = re.findall(r"^```cpp\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    include, code = code.split("\n\n", 1)
    (tmp_path / "main.cc").write_text(
        PROGRAM.format(include=include, code=code.replace("127.0.0.1:9463", daemon.address))
    )
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES CXX)\n"
        f"add_executable(my_service main.cc)\n{cmake}"
    )
    run("cmake", "--install", BIN_DIR.parent, "--prefix", tmp_path / "installed")
    run(
        "cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build",
        f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}",
    )  # fmt: skip
    run("cmake", "--build", tmp_path / "build")
    assert run(tmp_path / "build" / "my_service", deadline=DEADLINE) == '{"order":18}\n'
