"""scripts/check-tidy knows what belongs to a compilation, and what to check first."""

import importlib.machinery
import importlib.util
import pathlib

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "check-tidy"


@pytest.fixture(name="script", scope="module")
def the_script_as_a_module():
    loader = importlib.machinery.SourceFileLoader("check_tidy", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_tidy", loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("entry", [
    pytest.param({"command": "c++ -O2 -o a/b.cc.o -c /x/b.cc"}, id="CMake 3.25"),
    pytest.param({"command": "c++ -O2 -o a/b.cc.o -c /x/b.cc", "output": "a/b.cc.o"}, id="later"),
])
def test_object_of_a_compilation(script, entry):
    """Without it no file counts as unchanged, and every run checks everything."""
    assert script.object_of(entry) == "a/b.cc.o"


def test_what_was_changed_last_is_checked_first(script, monkeypatch):
    """Its own file or a header of ours: where time is limited, a change is checked before the rest."""
    monkeypatch.setattr(script, "uncommitted", lambda: frozenset({"server/new.cc"}))
    monkeypatch.setattr(script, "times_of_commits", lambda: {
        "server/old.cc": 1, "server/includes_it.cc": 2, "server/recent.cc": 8, "server/header.h": 9,
        "server/new.cc": 3})
    ours = {name: [str(script.TOP / name)] for name in
            ("server/old.cc", "server/includes_it.cc", "server/recent.cc", "server/new.cc")}
    # As ninja records it with ccache: seen from the build.
    ours["server/includes_it.cc"].append("../../server/header.h")
    for files in ours.values():
        files += ["/usr/include/string", str(script.TOP / "build/generated/event.pb.h")]

    assert script.latest_first(list(ours), ours) == [
        "server/new.cc", "server/includes_it.cc", "server/recent.cc", "server/old.cc"]


def test_a_file_begun_too_late_is_not_taken_for_clean(script):
    assert script.tidy("server/main.cc", deadline=0) is None
