"""The check that CI runs on the protos refuses what would break a user of the contract."""

import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).parents[2]


@pytest.fixture(name="protos")
def a_copy_of_the_protos(tmp_path):
    return pathlib.Path(shutil.copytree(TOP / "proto", tmp_path / "proto"))


def check(protos):
    return subprocess.run([TOP / "scripts" / "check-protos", protos], cwd=TOP, text=True,
                          capture_output=True, check=False)


def edit(path, pattern, replacement):
    """Replaces the one place where the pattern is found."""
    text, places = re.subn(pattern, replacement, path.read_text(), flags=re.MULTILINE)
    assert places == 1, f"{pattern} is in {path} {places} times"
    path.write_text(text)


def test_accepts_the_protos_as_they_are(protos):
    result = check(protos)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("file, pattern, replacement, complaint", [
    pytest.param("event.proto", r"^  string id = 1;", "  bytes id = 1;",
                 'changed type from "string" to "bytes"', id="a field of another type"),
    pytest.param("event.proto", r"^  string id = 1;", "  string identifier = 1;",
                 'changed name from "id" to "identifier"', id="a renamed field"),
    pytest.param("event.proto", r"^  string id = 1;", "  string id = 100;",
                 'Previously present field "1"', id="a renumbered field"),
    pytest.param("event.proto", r"^  string id = 1;", "  reserved 100;",
                 'Previously present field "1"', id="a removed field"),
    pytest.param("broker.proto", r"^  rpc Publish\(PublishRequest\)[^;{]*(;|\{[^{}]*\})", "",
                 'Previously present RPC "Publish"', id="a removed call"),
])
def test_refuses(protos, file, pattern, replacement, complaint):
    edit(protos / "eventbus" / "v1" / file, pattern, replacement)
    result = check(protos)
    assert result.returncode != 0
    assert complaint in result.stdout
    assert "break those who use the contract" in result.stderr


def test_says_that_an_addition_must_be_recorded(protos):
    edit(protos / "eventbus" / "v1" / "event.proto", r"^(  string id = 1;)",
         r"\1\n  // An addition.\n  string addition = 1000;")
    result = check(protos)
    assert result.returncode != 0
    assert "scripts/check-protos --update" in result.stderr
    assert "break those who use" not in result.stderr
