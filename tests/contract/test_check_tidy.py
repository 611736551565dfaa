"""scripts/check-tidy knows which object file, and so which headers, belong to a compilation."""

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
