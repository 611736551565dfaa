"""eventbusctl, as people and scripts use it."""

import contextlib
import datetime
import json
import os
import pty
import re
import select
import subprocess
import time

import pytest

from harness.bus import earliest, event
from harness.daemon import EVENTBUSCTL, check_sanitizer_reports, clean_environment
from harness.github import by_id, github_events
from harness.waiting import DEADLINE


@pytest.fixture
def ctl(daemon):
    """ctl(argument, …, stdin=bytes, code=expected exit code) → what it printed."""

    def run(*arguments: str, stdin: bytes = b"", code: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [str(EVENTBUSCTL), "--server", daemon.address, *arguments],
            input=stdin,
            capture_output=True,
            env=clean_environment(),
            timeout=2 * DEADLINE,
        )
        check_sanitizer_reports(done.stderr.decode())
        assert done.returncode == code, done.stderr.decode()
        return done

    return run


def ndjson(events) -> bytes:
    """Events in the CloudEvents JSON format, one a line; the data's bytes as they are."""
    lines = []
    for one in events:
        head = {"id": one.id, "type": one.type, "source": one.source}
        head["datacontenttype"] = one.attributes["datacontenttype"].ce_string
        opened = json.dumps(head, ensure_ascii=False).removesuffix("}").encode()
        lines.append(opened + b', "data": ' + one.binary_data + b"}\n")
    return b"".join(lines)


def test_github_events_go_in_and_out_as_ndjson(ctl, bus):
    events = github_events()
    ctl("pub", "--ndjson", "-", "--quiet", stdin=ndjson(events))

    tail = bus.tail("github.*", start=earliest())
    assert by_id(d.event for d in tail.take(len(events))) == by_id(events)

    out = ctl(
        "sub", "github.*", "--from", "earliest", "--count", str(len(events)), "-o", "ndjson"
    ).stdout
    lines = out.splitlines()
    assert len(lines) == len(events)
    sent = {one.id: one for one in events}
    for line in lines:
        got = json.loads(line)
        original = sent.pop(got["id"])
        assert (got["type"], got["source"]) == (original.type, original.source)
        assert original.binary_data in line, "the data is byte for byte the same"


def payload(one) -> bytes:
    return one.binary_data or one.text_data.encode()


def test_ndjson_out_goes_back_in(ctl, bus):
    sent = [
        event("round.trip", b"\0\xff bytes", id="bytes", source="/a"),
        event(
            "round.trip",
            b'{"a": 1.0}',
            id="json",
            source="/a",
            attributes={"datacontenttype": "application/json"},
        ),
        event(
            "round.trip",
            id="text",
            source="/a",
            text_data="grüße\n",
            attributes={"partitionkey": "k", "datacontenttype": "text/plain"},
        ),
    ]
    bus.publish_batch(sent)
    out = ctl("tail", "round.trip", "--from", "earliest", "--count", "3", "-o", "ndjson").stdout
    ctl("pub", "--ndjson", "-", stdin=out.replace(b"round.trip", b"other.trip"))
    first = bus.tail("round.trip", start=earliest()).take(3)
    second = bus.tail("other.trip", start=earliest()).take(3)
    for one, other in zip(first, second):
        assert other.event.type == "other.trip"
        other.event.type = "round.trip"
        assert payload(one.event) == payload(other.event)
        assert one.event.id == other.event.id
        assert one.event.source == other.event.source
        assert one.event.attributes == other.event.attributes


@pytest.mark.smoke
def test_event_from_flags_is_received_by_a_group(ctl, bus):
    member = bus.group("billing", "order.*")
    ctl(
        "pub",
        "order.completed.v1",
        "--data",
        '{"order": 17}',
        "--key",
        "customer-5",
        "--id",
        "the-id",
        "--source",
        "/shop",
        "--attr",
        "region=eu",
    )
    [delivery] = member.take(1)
    got = delivery.event
    assert (got.id, got.type, got.source) == ("the-id", "order.completed.v1", "/shop")
    assert got.binary_data == b'{"order": 17}'
    attributes = {name: value.ce_string for name, value in got.attributes.items()}
    assert attributes["datacontenttype"] == "application/json"
    assert (attributes["partitionkey"], attributes["region"]) == ("customer-5", "eu")


def test_data_from_standard_input_comes_out_raw(ctl):
    data = bytes(range(256)) * 100
    ctl("pub", "blob.v1", "--data", "-", stdin=data)
    assert ctl("tail", "blob.v1", "--from", "earliest", "--count", "1", "-o", "raw").stdout == data


def test_sub_acks_what_it_prints_and_leaves_the_rest(ctl, bus):
    bus.publish_batch([event("a.b", b"%d" % n, id=str(n)) for n in range(5)])
    command = ["sub", "a.*", "--group", "g", "--from", "earliest", "-o", "ndjson", "--count"]
    first = ctl(*command, "2").stdout.splitlines()
    second = ctl(*command, "3").stdout.splitlines()
    assert [json.loads(line)["id"] for line in first + second] == ["0", "1", "2", "3", "4"]


def test_pretty_output_names_the_event(ctl, bus):
    bus.publish("order.completed.v1", b"{}", id="the-id")
    out = ctl("tail", "*", "--from", "earliest", "--count", "1").stdout.decode()
    assert "order.completed.v1" in out and "the-id" in out


def test_refused_event_is_an_error_that_names_the_field(ctl):
    err = ctl("pub", "Bad Type!", code=1).stderr.decode()
    assert "type" in err and "Bad Type!" in err


def test_malformed_line_is_named_by_its_number(ctl):
    err = ctl("pub", "--ndjson", "-", stdin=b'{"type": "a.b"}\n{"type": \n', code=1).stderr.decode()
    assert "2" in err


def test_wrong_command_line_is_told_apart(ctl):
    ctl("no-such-command", code=2)
    ctl("pub", code=2)


def test_timeout_ends_a_subscription(ctl):
    ctl("--timeout", "1s", "sub", "a.*", "--count", "1", code=4)


def test_missing_broker_is_told_apart():
    done = subprocess.run(
        [str(EVENTBUSCTL), "--server", "127.0.0.1:1", "--timeout", "2s", "pub", "a.b"],
        capture_output=True,
        env=clean_environment(),
        timeout=DEADLINE,
    )
    assert done.returncode == 3
    assert b"127.0.0.1:1" in done.stderr


def test_health_is_asked(ctl):
    ctl("health")


COMPLETIONS = {
    "eventbusctl ": ["pub", "sub", "tail", "health", "version", "completion", "--server"],
    "eventbusctl su": ["sub"],
    "eventbusctl sub --g": ["--group"],
    "eventbusctl --server x:1 tail --fr": ["--from"],
    "eventbusctl sub --output ": ["pretty", "ndjson", "raw"],
    "eventbusctl tail -o nd": ["ndjson"],
    "eventbusctl completion f": ["fish"],
    "eventbusctl group ": ["list", "show"],
    "eventbusctl group list --t": ["--type", "--timeout"],
    "eventbusctl group list --output j": ["json"],
    "eventbusctl pub --nd": ["--ndjson"],
}

# What each shell does at the tab key, as far as it shows: $1 is the script, $2 the line so far.
TAB = {
    "bash": """
eval "$1"; words=($2); [[ $2 == *' ' ]] && words+=("")
COMP_WORDS=("${words[@]}"); COMP_CWORD=$((${#words[@]} - 1))
complete -p eventbusctl >&2 && _eventbusctl && printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """
compdef() { known=$2 }
compadd() { local -a all; all=("${@[2,-1]}"); [[ $1 = -a ]] && all=("${(@P)2}")
            print -rl -- "${(@M)all:#${words[CURRENT]}*}" }
eval "$1"; words=(${=2}); [[ $2 = *' ' ]] && words+=("")
CURRENT=$#words; [[ $known = eventbusctl ]] && _eventbusctl
""",
    "fish": """echo $argv[1] | source; complete -C $argv[2] | string replace -r '\\t.*' ''""",
}


@pytest.mark.parametrize("line", COMPLETIONS)
@pytest.mark.parametrize("shell", TAB)
def test_tab_completes(ctl, shell, line):
    script = ctl("completion", shell).stdout.decode()
    # bash and zsh take the first word behind a command line for their own name.
    own_name = [] if shell == "fish" else [shell]
    done = subprocess.run(
        [shell, "-c", TAB[shell], *own_name, script, line],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stderr
    wanted, got = set(COMPLETIONS[line]), set(done.stdout.split())
    if shell == "fish" and line == "eventbusctl ":
        wanted.discard("--server")  # It shows options once there is a dash.
    assert wanted <= got
    if not line.endswith(" "):
        assert all(word.startswith(line.split()[-1]) for word in got)


def test_publishing_many_shows_progress_on_a_terminal(daemon):
    """Feeds lines for as long as nothing is shown."""
    terminal, its_end = pty.openpty()
    publishing = subprocess.Popen(
        [str(EVENTBUSCTL), "--server", daemon.address, "pub", "--ndjson", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=its_end,
        env=clean_environment(),
    )
    os.close(its_end)
    shown = b""
    end = time.monotonic() + DEADLINE
    with publishing, os.fdopen(terminal, "rb", buffering=0) as screen:
        while b"/s" not in shown and time.monotonic() < end:
            publishing.stdin.write(b'{"type": "progress.test"}\n' * 64)
            publishing.stdin.flush()
            if select.select([screen], [], [], 0)[0]:
                shown += screen.read(4096)
        publishing.stdin.close()
        assert re.search(rb"\r\x1b\[K[0-9,]+ events  \S+/s", shown), shown
        with contextlib.suppress(OSError):  # How a terminal says that nobody writes any more.
            while chunk := screen.read(4096):
                shown += chunk
        assert publishing.wait(DEADLINE) == 0
    assert re.search(rb"published [0-9,]+ events in ", shown), shown


def test_no_progress_is_drawn_where_there_is_no_terminal(ctl):
    err = ctl("pub", "a.b", "--count", "5000").stderr
    assert b"\r" not in err and err.startswith(b"published 5,000 events")


def test_from_says_where_to_begin(ctl, bus):
    first = bus.publish("from.test", id="first")
    [delivery] = bus.tail("from.test", start=earliest()).take(1)
    stored = delivery.batch.stored_time.ToDatetime(datetime.timezone.utc)
    bus.publish("from.test", id="second")

    def ids(start: str, count: int) -> list:
        out = ctl("tail", "from.test", "--from", start, "--count", str(count), "-o", "ndjson")
        return [json.loads(line)["id"] for line in out.stdout.splitlines()]

    assert ids("earliest", 2) == ["first", "second"]
    assert ids(f"from.test={first.position}", 1) == ["second"]
    assert ids("1h", 2) == ["first", "second"]
    assert ids((stored - datetime.timedelta(seconds=1)).isoformat(), 2) == ["first", "second"]
    future = (stored + datetime.timedelta(days=1)).isoformat()
    ctl("--timeout", "1s", "tail", "from.test", "--from", future, "--count", "1", code=4)
    err = ctl("tail", "from.test", "--from", "yesterday", code=2).stderr
    assert b"yesterday" in err and b"earliest" in err


def test_line_to_try_that_the_daemon_prints_works(daemon):
    """As it stands, in a shell that knows nothing of the build."""
    line = daemon.wait_for_line(r"^try: (.+)$").group(1)
    done = subprocess.run(
        ["sh", "-c", line], capture_output=True, env=clean_environment(), timeout=DEADLINE
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"order.created" in done.stdout and b'"id": 1' in done.stdout


def test_version_is_told(ctl):
    assert ctl("version").stdout.startswith(b"eventbusctl ")
