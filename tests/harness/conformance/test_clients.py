"""The client seat: each case passes with a good client, and fails with one broken for it."""

import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from msgspec.structs import replace

from starwire.harness.conformance.case import CLIENT, Case, all_cases
from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.client_wire import ClientWire
from starwire.harness.conformance.executing import execute
from starwire.harness.conformance.result import Outcome, Result
from starwire.harness.conformance.wiring import Asked, CannotCheck
from starwire.protocol.profile import Profile, load_profile, shipped

HERE = Path(__file__).parent
DEFAULT = shipped("default")
PLAIN = load_profile('extends = "default"\nname = "plain"\nallow_plain_http = true\n')
REST = "{url} {user} {password} {message-file} {proxy} {type} {out}"
SEND = (
    f"{sys.executable} -m starwire.harness.cli send {{message}} --to {{url}} --user {{user}} "
    "--password {password} --proxy {proxy} --type {type} --out {out} --profile {profile}"
)


def start(broken: str) -> str:
    return f"{sys.executable} -I {HERE / 'a_client.py'} {broken} {REST}"


def checked(command: str, *names: str, profile: Profile = DEFAULT) -> dict[str, Result]:
    """What came of the cases of these names."""
    run = begin(
        Asked(
            target="client:",
            profile=profile,
            start=command,
            names=names,
            workers=4,
            retries=0,
        )
    )
    try:
        return {result.case.removesuffix("@client"): result for result in run.results()}
    finally:
        run.close()


def of_clients() -> list[Case]:
    return [case for case in all_cases() if case.place == CLIENT]


@pytest.mark.parametrize(("kind", "profile"), [("nothing", DEFAULT), ("old", PLAIN)])
def test_a_good_client_passes_whole(kind: str, profile: Profile) -> None:
    found = checked(start(kind), profile=profile)
    assert len(found) == len(of_clients()) == 60
    others = {name: one for name, one in found.items() if one.outcome is not Outcome.PASSED}
    told = {
        "client.key.later": "keeps the key of its logon",
        "client.logoff": "leaves its session open",
        "client.bulk.cut": "fails when it is cut off, and does not resume by itself",
    }
    assert {name: one.reason for name, one in others.items()} == told
    assert {one.outcome for one in others.values()} == {Outcome.INFORMATIONAL}


def test_our_own_client_passes_whole() -> None:
    found = checked(SEND, profile=shipped("little"))
    good = {Outcome.PASSED, Outcome.INFORMATIONAL}
    assert {name: one.reason for name, one in found.items() if one.outcome not in good} == {}
    assert len(found) == len(of_clients())


STATUSES = (*range(101, 112), 77)
FAILS = "expected an exit status above 0; got exit status 0"
BROKEN = {
    "client.transaction": ("never-good", "expected exit status 0; got exit status 1"),
    "client.logon": ("logon-target", "expected target 'STAROE'; got target 'RM'"),
    "client.logon.key": ("logon-key", "expected a key of NULs; got 'ffff"),
    "client.logon.refused": ("logon-unread", r"expected no further request; got \[b'GRTL<"),
    "client.post": ("path", "expected POST /nmci HTTP/1.; got POST / HTTP/1.1$"),
    "client.octets": ("fill", "expected .*RM      .x00    .*; got "),
    "client.version": ("version", "expected version 1; got version 2"),
    "client.length": ("length", "expected length 117; got length 150"),
    "client.identity": ("identity", "expected user_id ''; got user_id 'jeanvnet2'"),
    "client.status": ("status", "expected status 0; got status 1"),
    "client.transaction-type": ("transaction-type", "expected transaction .*1.*; got .* 0"),
    "client.type": ("type", "expected type .*0.*; got type 2"),
    "client.target": ("target", "expected target 'INBOX'; got target 'RM'"),
    "client.key": ("no-key", "expected 0123456789abcdef.*; got a key of NULs"),
    "client.key.later": ("polls-keyless", "expected 0123.* or fedc.*; got a key of NULs"),
    "client.message": ("strips", r"expected b.GRTL< .*; got b.GRTL< .*[|].$"),
    "client.success": ("mute", "expected the output b'SRTL<ERROR=0.*; got b''"),
    "client.error": ("any-error", FAILS),
    "client.error.unknown": ("few-errors", FAILS),
    "client.response.unknown": ("unknown-parameter", "exit status 0; got .* last words: LATER"),
    "client.pieces": ("one-read", "expected exit status 0; got exit status 1.*too short"),
    "client.chunked": ("no-chunks", "expected exit status 0; got exit status 1"),
    "client.reply.closed": ("any-form", FAILS),
    **{f"client.status.{one}": ("any-status", FAILS) for one in STATUSES if one > 77},
    "client.status.77": ("any-status", FAILS),
    **{f"client.http.{one}": ("any-form", FAILS) for one in (400, 503)},
    **{
        f"client.reply.{one}": ("any-form", FAILS)
        for one in ("short", "length.long", "length.headless", "version", "truncated")
    },
    "client.logoff": ("logs-off-another", "expected a logoff of 0123.*; got 0000"),
    "client.async": ("async-as-sync", "expected type 1; got 0"),
    "client.async.key": ("polls-keyless", "expected 0123.*; got a key of NULs"),
    "client.async.in-progress": ("polls-once", "expected a request; got none: the client ends"),
    "client.async.unknown": ("polls-unknown", "expected no further poll; got 1"),
    "client.async.error": ("any-error", FAILS),
    "client.async.refused": ("polls-anyway", "expected no poll; got 1"),
    "client.bulk": ("no-open", "expected b'.x00.*F<INBOXID=42>'; got b'F<INBOXID=42>'"),
    "client.bulk.empty": ("no-empty", "expected exit status 0; got .* last words: nothing"),
    "client.bulk.digest": ("digest", FAILS),
    "client.bulk.gap": ("gap", FAILS),
    "client.bulk.unended": ("no-end", FAILS),
    "client.bulk.cancelled": ("bulk-5", FAILS),
    "client.bulk.declined": ("bulk-100", FAILS),
    "client.bulk.lost": ("bulk-106", FAILS),
    "client.bulk.cut": ("resumes-at-0", r"expected b'.x05.*; got b'.x05"),
}
"""For each case a flaw that it finds, and how it is told."""
ONLY_LESS_STRICT = {
    "client.media-type": ("media-type", "the media type is 'text/plain', which nobody looks at"),
    "client.message.high": ("utf-8", "on the command line is sent as"),
}


def test_every_case_has_a_client_that_fails_it() -> None:
    assert {*BROKEN, *ONLY_LESS_STRICT} == {case.name for case in of_clients()}


def _flaws() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, (flaw, _) in (BROKEN | ONLY_LESS_STRICT).items():
        found.setdefault(flaw, []).append(name)
    return found


@pytest.mark.parametrize("flaw", _flaws())
def test_a_flaw_is_found_by_its_case_for_its_reason(flaw: str) -> None:
    names = _flaws()[flaw]
    found = checked(start(flaw), *(f"{name}@client" for name in names))
    for name in names:
        outcome, reason = found[name].outcome, found[name].reason
        wanted = (BROKEN | ONLY_LESS_STRICT)[name][1]
        assert re.search(wanted, reason), f"{name}: {reason}"
        lenient = name in ONLY_LESS_STRICT
        assert outcome is (Outcome.NON_STRICT if lenient else Outcome.FAILED), name


@pytest.mark.parametrize(
    ("flaw", "name", "reason"),
    [
        ("no-logon", "client.transaction", "expected a logon first, .*; got transaction type 1"),
        ("no-password", "client.logon", r"expected \('VUM', .*'interact'\); got .*''\)"),
        ("unknown-status", "client.status.77", None),
        ("polls-message", "client.async", "expected b'0000.*17'; got b'GRTL<"),
        ("logs-off", "client.logoff", "logs off at its end"),
        ("later-key", "client.key.later", "goes on under the later key"),
        ("resumes", "client.bulk.cut", "resumes by itself when it is cut off"),
    ],
)
def test_what_else_clients_do(flaw: str, name: str, reason: str | None) -> None:
    found = checked(start(flaw), f"{name}@client")[name]
    assert re.search(reason or "^$", found.reason), found.reason


def in_two_seconds(flaw: str) -> Result:
    """The case of a connection that is closed without a reply, cut short."""
    command = start(flaw)
    run = begin(Asked(target="client:", profile=DEFAULT, start=command))
    case = next(one for one in run.cases if one.name == "client.reply.closed")
    begun = time.monotonic()
    wire = ClientWire(command, DEFAULT)
    result = execute(replace(case, seconds=2.0), wire, run._grounds, patience=5.0)
    assert time.monotonic() - begun < 4
    return result


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ("hangs", "expected the client to end in time; got it hangs"),
        ("insists", r"expected the client to end in time; got it asks on and on, \d+ times"),
    ],
)
def test_a_client_without_end_costs_the_time_of_its_case(flaw: str, reason: str) -> None:
    result = in_two_seconds(flaw)
    assert re.fullmatch(reason, result.reason), result.reason


def test_nothing_is_left_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = uuid.uuid4().hex
    monkeypatch.setenv("MARK", mark)
    assert in_two_seconds("starts-another").outcome is Outcome.PASSED
    command = ["ps", "-ewwo", "pid,args"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert mark not in listed


def test_a_crash_is_no_failure_that_a_client_tells() -> None:
    reason = checked(start("crashes"), "client.reply.closed")["client.reply.closed"].reason
    assert reason.startswith("expected an exit status above 0; got signal SIGSEGV")


def test_a_request_without_end_is_not_held() -> None:
    reason = checked(start("floods"), "client.transaction")["client.transaction"].reason
    assert re.fullmatch("expected a request of one frame at most; got 16[0-9]{6} octets", reason)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "client: needs --start"),
        ("/no/such/command {url} {message}", "/no/such/command: no such command"),
        ("true {url}", r"has to tell the client \{message\} and \{url\}"),
        ("true {url} {message} {here}", r"\{here\} stands for nothing; there are \{url\}, "),
        ("true 'x", "cannot be split"),
    ],
)
def test_a_command_that_cannot_be(command: str, reason: str) -> None:
    with pytest.raises(CannotCheck, match=reason):
        begin(Asked(target="client:", profile=DEFAULT, start=command))


def test_a_client_is_called_as_its_command_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    asked = Asked(target="client:", profile=DEFAULT, start=start("nothing"))
    assert begin(asked).implementation == Path(sys.executable).name
    (tmp_path / "facts.toml").write_text('name = "viewer 3"\n')
    assert begin(replace(asked, facts=tmp_path / "facts.toml")).implementation == "viewer 3"


def test_what_the_command_does_not_say_is_not_applicable() -> None:
    command = start("nothing").replace("{type}", "sync").replace("{proxy}", "RM")
    found = checked(command, "client.async@client", "client.target")
    told = {name: found[name].reason for name in ("client.async", "client.target")}
    assert told == {
        "client.async": "the command does not tell the client its {type}",
        "client.target": "the command does not tell the client its {proxy}",
    }
    assert {found[name].outcome for name in told} == {Outcome.NOT_APPLICABLE}
