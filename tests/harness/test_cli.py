"""The command line inside one process: what each command prints, and how it ends.

0 done and good; 1 done and something failed; 2 could not be done, with exactly one line on standard
error.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from starwire.harness.cli import main
from starwire.harness.commands import CannotBeDone
from starwire.protocol.codes import codes
from starwire.servers.rule_faults import RULE_FAULTS

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
COMMANDS = sorted(main.commands)


def run(*arguments: str, standard_input: bytes = b"", **environment: str) -> Result:
    result = CliRunner(env=environment).invoke(main, arguments, input=standard_input)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def cannot(*arguments: str, **options: Any) -> str:
    """The one line of what could not be done."""
    result = run(*arguments, **options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("starwire: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith("\n")
    return result.stderr.removeprefix("starwire: ").rstrip("\n")


def done(*arguments: str, **options: Any) -> str:
    """What is printed by what was done and good."""
    result = run(*arguments, **options)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


# Help.


def test_without_a_command_the_help_is_shown() -> None:
    told = done()
    assert told == done("--help") == done("-h")
    for name in COMMANDS:
        assert re.search(rf"^  {name}  +\S", told, re.MULTILINE), name
        assert f"starwire {name}" in told
    assert "..." not in told.partition("Commands:")[2], "a short help is cut off"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_s_help_has_an_example(name: str) -> None:
    told = done(name, "--help")
    assert told == done(name, "-h")
    assert re.search(rf"^  \$ .*\bstarwire {name}\b", told, re.MULTILINE)
    assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    for parameter in main.commands[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_the_version() -> None:
    assert re.fullmatch(r"starwire \d+\.\d+\.\d+\n", done("--version").replace("main", "starwire"))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["parse", f"{GOLDEN / 'grtl.printed.msg'}"], ["codes"]]
)
def test_what_needs_no_server_loads_none(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from starwire.harness.cli import main\n"
        f"result = CliRunner().invoke(main, {arguments!r})\n"
        "print(result.exit_code, *sorted({name.partition('.')[0] for name in sys.modules}))\n"
        "print(*(name for name in sys.modules if name.startswith('starwire.')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    roots, own = done.stdout.splitlines()
    assert roots.startswith("0 ")
    assert {"click", "starwire"} <= set(roots.split())
    assert {"twisted", "sqlalchemy", "OpenSSL", "rich", "lark"} & set(roots.split()) == set()
    assert [name for name in own.split() if name.startswith("starwire.servers")] == []


# Wrong use, of any command.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing"], "No such command 'nothing'; see `main --help`"),
        (["--nothing"], "No such option '--nothing'; see `main --help`"),
        (["parse", "--nothing"], "No such option '--nothing'; see `main parse --help`"),
        (["parse", "a", "b"], "Got unexpected extra argument (b); see `main parse --help`"),
        (["codes", "x"], "Invalid value for '[CODE]': 'x' is not a valid integer; see"),
        (["send"], "Missing argument 'MESSAGE or -'; see `main send --help`"),
        (["send", "A<>"], "Missing option '--to'; see `main send --help`"),
        (["send", "A<>", "--to", "x", "--type", "y"], "'y' is not one of 'sync', 'async', 'bulk'"),
        (["serve", "--port", "wb=1"], "'wb' is none of web, dispatcher, jar, staroe, rm, rs, in"),
        (["serve", "--port", "web"], "'web': give NAME=PORT, 0 to 65535; 0 takes any free one"),
        (["serve", "--port", "web=x"], "'web=x': give NAME=PORT"),
        (["serve", "--port", "web=-1"], "'web=-1': give NAME=PORT"),
        (["serve", "--port", "web=65536"], "'web=65536': give NAME=PORT"),
        (["serve", "--only", "web,rn"], "'rn' is none of web, dispatcher, jar"),
        (["serve", "--only", ""], "'' is none of web"),
        (["serve", "--shared-port", "jar"], "'jar' is not one of 'web', 'dispatcher', 'staroe'"),
        (["serve", "--tls-cert", __file__], "--tls-cert and --tls-key go together: give both"),
        (["serve", "--tls-key", __file__], "--tls-cert and --tls-key go together: give both"),
        (["serve", "--tls-cert", "nofile"], "File 'nofile' does not exist"),
        (["serve", "--state", __file__], "is a file"),
    ],
)
def test_wrong_use_is_told_in_one_line(arguments: list[str], told: str) -> None:
    assert told in cannot(*arguments)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "No such file or directory; give default or little, or a file"),
        (b'extends = "default"\nname = "x"\nfoo = 1\n', "foo: no such key"),
        (b'extends = "default"\nname = "x"\n[limits]\nnesting = "x"\n', "limits.nesting: must be"),
        (b'extends = "nothing"\nname = "x"\n', "extends"),
        (b"a = \n", "not TOML: "),
        (b"# \xff", "is not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("command", ["parse", "send", "serve", "demo"])
def test_a_bad_profile_names_its_key(
    tmp_path: Path, command: str, text: bytes | None, told: str
) -> None:
    path = tmp_path / "p.toml"
    if text is not None:
        path.write_bytes(text)
    more = {"send": ["A<>", "--to", "native://h:1"], "parse": ["-"]}.get(command, [])
    line = cannot(command, *more, "--profile", str(path))
    assert line.startswith(f"profile {path}: ")
    assert told in line


# parse


@pytest.mark.parametrize("name", ["grtl.emended", "grtl.printed", "nrl.printed"])
def test_parse_shows_the_tree_of_a_file_and_of_standard_input(name: str) -> None:
    path = GOLDEN / f"{name}.msg"
    told = done("parse", str(path))
    assert told == done("parse", standard_input=path.read_bytes())
    assert told == done("parse", "-", standard_input=path.read_bytes())
    assert told.startswith(f"{name.partition('.')[0].upper()}\n  ")


def test_parse_shows_what_its_help_says() -> None:
    told = done("parse", standard_input=b"GRTL<PRODUCT=V,IO=O>")
    assert told == "GRTL\n  PRODUCT = V\n  IO = O\n"
    assert "".join(f"  {line}\n" for line in told.splitlines()) in done("parse", "--help")


def test_parse_takes_the_line_end_that_an_editor_leaves() -> None:
    assert done("parse", standard_input=b"A<B=1>\r\n") == "A\n  B = 1\n"


def test_parse_as_json() -> None:
    told = json.loads(done("parse", "--json", standard_input=b"A<B=\xe91>"))
    assert told == {
        "name": "A",
        "acronym": "A",
        "offset": 1,
        "members": [],
        "fields": [{"key": "B", "name": "B", "key_offset": 2, "offset": 4, "text": "é1"}],
        "tail": "",
    }


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "6611 at octet 0: expected an acronym or '<', found the end"),
        (b"GRTL", "6611 at octet 4: expected '<', found the end"),
        (b"GRTL<A=<B>", "6612 at octet 10: expected '<' or '>' or a key or text or a separator"),
        (b"A<B>>", "6612 at octet 4: expected a line end or the end, found '>'"),
        (b"A<B>C", "6611 at octet 4: "),
        (b"A" + b"<" * 65, "6102 at octet 65: "),
    ],
)
def test_parse_says_where_octets_are_no_message(octets: bytes, told: str) -> None:
    for options in ([], ["--json"]):
        result = run("parse", *options, standard_input=octets)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(told)
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["srtd-template.printed", "metadata-commas.printed"])
def test_parse_refuses_the_unbalanced_originals(name: str) -> None:
    result = run("parse", str(GOLDEN / f"{name}.msg"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.match(r"6612 at octet \d+: expected ", result.stderr)


def test_parse_keeps_to_the_profile_s_limits(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('extends = "default"\nname = "x"\nlimits.nesting = 1000\nlimits.octets = 9000')
    deep = b"A" + b"<B=" * 900 + b"x" * 100 + b">" * 900
    lines = done("parse", "--profile", str(path), standard_input=deep).splitlines()
    assert len(lines) > 900
    told = cannot("parse", "--json", "--profile", str(path), standard_input=deep)
    assert told == "groups too deep for JSON; show the tree without --json"
    result = run("parse", "--profile", str(path), standard_input=b"A<" + b"x" * 9000)
    assert result.stderr == "6102 at octet 9000: longer than 9000 octets\n"


def test_parse_reads_no_further_than_a_message_can_reach() -> None:
    result = run("parse", "/dev/zero")
    assert result.exit_code == 1
    assert result.stderr.startswith("6102 at octet 1048576: ")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("no/such.msg", "no/such.msg: No such file or directory"),
        ("/", "/: Is a directory"),
    ],
)
def test_parse_of_no_file(path: str, told: str) -> None:
    assert cannot("parse", path) == told


# faults


def test_faults_lists_the_rules_that_are_broken_by_hand() -> None:
    lines = done("faults").splitlines()
    assert len(lines) == len(RULE_FAULTS)
    assert any(line.startswith("serial-not-repeated ") and "HDR-06" in line for line in lines)


def test_faults_takes_a_glob_and_tells_a_program() -> None:
    assert [one["name"] for one in json.loads(done("faults", "length-s*", "--json"))] == [
        "length-short-by-one"
    ]
    assert "no-such-*" in cannot("faults", "no-such-*")


# codes


def test_codes_lists_every_code() -> None:
    lines = done("codes").splitlines()
    assert len(lines) == len(codes()) == 121
    assert lines[0] == f"   0  Report Manager  {codes()[0].text}"
    assert "5100  Inbox           no records were found" in lines


def test_codes_explains_one_as_its_help_shows() -> None:
    told = done("codes", "6612")
    assert told.splitlines() == [
        "6612, Report Manager: the brackets are unbalanced",
        "  given when: A closing bracket that closes nothing, or an end of the input with a group "
        "open.",
    ]
    assert "".join(f"  {line}\n" for line in told.splitlines()) in done("codes", "--help")


def test_codes_0_is_in_both_lists() -> None:
    told = done("codes", "0")
    assert re.findall(r"^0, (.*):", told, re.MULTILINE) == ["Report Manager", "Inbox"]


def test_codes_as_json() -> None:
    assert len(json.loads(done("codes", "--json"))) == 121
    assert json.loads(done("codes", "6612", "--json")) == [
        {
            "code": 6612,
            "proxy": "RM",
            "text": "the brackets are unbalanced",
            "trigger": "A closing bracket that closes nothing, or an end of the input with a "
            "group open.",
            "reach": "message",
        }
    ]


@pytest.mark.parametrize("code", ["1", "99999", "6613"])
def test_an_unknown_code(code: str) -> None:
    assert cannot("codes", code) == f"{code} is no code of Appendix E; `starwire codes` lists them"


# send


def native(answer: bytes, serve: Any) -> Any:
    def script(connection: Any, server: Any) -> None:
        server.requests.append(connection.recv(65_536))
        connection.sendall(answer)

    return serve(script)


def test_send_prints_the_response(serve: Any) -> None:
    server = native(b"SRTL<ERROR=0,REPORTS=<A\xe9>>", serve)
    result = run("send", "GRTL<A=é>", "--to", server.target("native"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout_bytes == b"SRTL<ERROR=0,REPORTS=<A\xe9>>\n"
    assert server.requests == [b"GRTL<A=\xe9>"]


def test_send_takes_octets_from_standard_input(serve: Any) -> None:
    server = native(b"A<ERROR=0>", serve)
    octets = bytes(range(1, 256)).replace(b"<", b"").replace(b">", b"")
    done("send", "-", "--to", server.target("native"), standard_input=b"A<" + octets + b">")
    assert server.requests == [b"A<" + octets + b">"]


def test_send_writes_the_response_to_a_file(serve: Any, tmp_path: Path) -> None:
    data = b"Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=3>1\r\n"
    out = tmp_path / "out"
    server = native(data, serve)
    assert done("send", "F<INBOXID=1>", "--to", server.target("native"), "--out", str(out)) == ""
    assert out.read_bytes() == data


def test_send_cannot_write_there(serve: Any, tmp_path: Path) -> None:
    server = native(b"A<ERROR=0>", serve)
    out = tmp_path / "no" / "out"
    told = cannot("send", "A<>", "--to", server.target("native"), "--out", str(out))
    assert told == f"{out}: No such file or directory"
    assert "is a directory" in cannot("send", "A<>", "--to", "native://h:1", "--out", "/")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"SRTL<ERROR=6827>", "refused: 6827, PRODUCT is missing\n"),
        (b"Z<REQ=L,ERROR=5100>", "refused: 5100, no records were found\n"),
        (b"A<ERROR=9999>", "refused: 9999, no code of Appendix E\n"),
        (b"A<ERROR=\x1b[2J>", "refused: \\x1b[2J, no code of Appendix E\n"),
        (b"A<ERROR=>", "refused: ERROR has no value\n"),
        ("A<ERROR=²>".encode("latin-1"), "refused: ², no code of Appendix E\n"),
    ],
)
def test_send_explains_a_refusal(serve: Any, answer: bytes, told: str) -> None:
    result = run("send", "A<>", "--to", native(answer, serve).target("native"))
    assert (result.exit_code, result.stderr) == (1, told)
    assert result.stdout_bytes == answer + b"\n"


def test_the_metadata_have_no_error_and_are_no_refusal(serve: Any) -> None:
    server = native(b"<METADATA=<A=1>>", serve)
    told = done("send", "METADATA<USERRPTID=1>", "--to", server.target("native"))
    assert told == "<METADATA=<A=1>>\n"


def frame(status: bytes, data: bytes) -> bytes:
    length = (76 + len(data)).to_bytes(4, "big")
    return b"\x01" + length + b"RM      \x00" + b" " * 28 + bytes(32) + status + data


@pytest.mark.parametrize(
    ("status", "data", "told"),
    [
        (b"\x00\x69", b"", "refused: status 105, no session\n"),
        (b"\x00\x01", b"0" * 20, "refused: status 1, accepted\n"),
        (b"\x03\xe7", b"", "refused: status 999, unknown\n"),
        (b"\x00\x64", b"A<ERROR=6101>", "refused: 6101, general failure\n"),
        (b"\x00\x64", b"A<ERROR=0>", "refused: status 100, though ERROR is 0\n"),
        (b"\x00\x00", b"A<ERROR=6101>", "refused: 6101, general failure\n"),
        (b"\x00\x00", b"", "refused: the response is no message: octet 0: "),
        (b"\x00\x00", b"A<", "refused: the response is no message: octet 2: "),
    ],
)
def test_send_explains_a_status(serve: Any, status: bytes, data: bytes, told: str) -> None:
    def script(connection: Any, server: Any) -> None:
        server.read(connection, 79)
        connection.sendall(frame(status, data))

    result = run("send", "A<>", "--to", serve(script).target("dispatcher"))
    assert result.exit_code == 1
    assert result.stderr.startswith(told)
    assert result.stderr.count("\n") == 1
    assert result.stdout_bytes == (data + b"\n" if data else b"")


def test_send_traces_every_header(serve: Any) -> None:
    def script(connection: Any, server: Any) -> None:
        server.read(connection, 79)
        connection.sendall(frame(b"\0\0", b"B<ERROR=0>"))

    server = serve(script)
    result = run("send", "A<>", "--to", server.target("dispatcher"), "--proxy", "RS", "--trace")
    assert result.exit_code == 0
    assert result.stdout == "B<ERROR=0>\n"
    blank = "user_id=- enterprise_id=- session_key=- status=0(ok)"
    assert result.stderr.splitlines() == [
        f"> 79 octets to dispatcher://127.0.0.1:{server.port}",
        f"> dispatcher header: version=1 length=79 target=RS type=0(sync) {blank}",
        "> A",
        "< 86 octets",
        f"< dispatcher header: version=1 length=86 target=RM type=0(sync) {blank}",
        "< B",
        "<   ERROR = 0",
    ]


def test_send_traces_also_what_was_not_answered(nobody: int) -> None:
    result = run("send", "A<>", "--to", f"proxy://127.0.0.1:{nobody}", "--trace")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[0] == f"> 52 octets to proxy://127.0.0.1:{nobody}"
    assert lines[1].startswith("> common header: version=1 length=52 echo=0 session_key=- ")
    assert lines[2:] == [
        "> A",
        f"starwire: proxy://127.0.0.1:{nobody}: nobody listens there; is the server started?",
    ]


def test_send_asks_for_the_transport_in_the_header(serve: Any) -> None:
    for name, number in (("sync", 0), ("async", 1), ("bulk", 3)):
        server = native(b"", serve)
        cannot("send", "A<>", "--to", server.target("dispatcher"), "--type", name)
        assert server.requests[0][13] == number


IDENTIFIER = b"00000000000000000017"


def polled(serve: Any, *replies: tuple[bytes, bytes]) -> Any:
    """A dispatcher that accepts an asynchronous request, then answers polls with these."""

    def script(connection: Any, server: Any) -> None:
        server.read(connection, 79)
        connection.sendall(frame(b"\0\1", IDENTIFIER))
        for status, data in replies:
            if server.read(connection, 96):
                connection.sendall(frame(status, data))

    return serve(script)


def test_send_polls_for_the_result_of_an_asynchronous_request(serve: Any) -> None:
    server = polled(serve, (b"\0\2", b""), (b"\0\2", b""), (b"\0\0", b"B<ERROR=0>"))
    told = done("send", "A<>", "--to", server.target("dispatcher"), "--type", "async")
    assert told == "B<ERROR=0>\n"
    request, *polls = server.requests
    assert (request[13], request[76:]) == (1, b"A<>")
    assert [(poll[13], poll[76:]) for poll in polls] == [(2, IDENTIFIER)] * 3


def test_send_polls_no_longer_than_it_is_told_to(serve: Any) -> None:
    server = polled(serve, *[(b"\0\2", b"")] * 50)
    arguments = ["--to", server.target("dispatcher"), "--type", "async", "--seconds", "0.3"]
    result = run("send", "A<>", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "refused: status 2, in progress\n"
    assert 3 <= len(server.requests) < 10


def test_send_does_not_poll_for_what_was_not_accepted(serve: Any) -> None:
    def script(connection: Any, server: Any) -> None:
        server.read(connection, 79)
        connection.sendall(frame(b"\0\x6b", b""))

    server = serve(script)
    result = run("send", "A<>", "--to", server.target("dispatcher"), "--type", "async")
    assert (result.exit_code, result.stderr) == (1, "refused: status 107, unknown type\n")
    assert len(server.requests) == 1


def logon(connection: Any, server: Any, http_ok: Any) -> None:
    server.read_post(connection)
    message = b"VUMA<ERROR=0,USERID=dorod,ENTPID=00022924>"
    connection.sendall(http_ok(b"\0" + b"k" * 32 + frame(b"\0\0", message)))


def test_send_logs_on_at_the_target(serve: Any, http_ok: Any) -> None:
    def script(connection: Any, server: Any) -> None:
        logon(connection, server, http_ok)
        server.read_post(connection)
        connection.sendall(http_ok(b"\1" + b"k" * 32 + frame(b"\0\0", b"B<ERROR=0>")))

    server = serve(script)
    told = done(
        *["send", "A<>", "--to", server.target("http"), "--user", "dorod"],
        STARWIRE_PASSWORD="interact",
    )
    assert told == "B<ERROR=0>\n"
    first, second = (request.partition(b"\r\n\r\n")[2] for request in server.requests)
    assert first.endswith(b"VUM<USERID=dorod,PASSWORD=interact>")
    assert second.startswith(b"\1" + b"k" * 32)


def test_send_logs_on_elsewhere(serve: Any, http_ok: Any) -> None:
    def script(connection: Any, server: Any) -> None:
        server.read(connection, 79)
        connection.sendall(frame(b"\0\0", b"B<ERROR=0>"))

    web = serve(lambda connection, server: logon(connection, server, http_ok))
    inner = serve(script)
    told = done(
        *["send", "A<>", "--to", inner.target("dispatcher"), "--logon", web.target("http")],
        *["--user", "dorod", "--password", "interact"],
    )
    assert told == "B<ERROR=0>\n"
    assert inner.requests[0][14:42] == b"dorod               00022924"
    assert inner.requests[0][42:74] == b"k" * 32


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "nowhere"], "'nowhere' is no target: give https, http, dispatcher, proxy or nat"),
        (["--to", "native://h"], "'native://h': give a port, native://HOST:PORT"),
        (["--to", "native://nobody.invalid:1"], "native://nobody.invalid:1: there is no such host"),
        (["--to", "native://h:1", "--seconds", "0"], "0.0: give 0.001 to 86400"),
        (["--to", "native://h:1", "--seconds", "nan"], "nan: give 0.001 to 86400"),
        (["--to", "native://h:1", "--seconds", "inf"], "inf: give 0.001 to 86400"),
        (["--to", "proxy://h:1", "--user", "u"], "--user needs --password, or STARWIRE_PASSWORD"),
        (["--to", "proxy://h:1", "--logon", "https://h"], "--logon needs --user and --password"),
        (
            ["--to", "proxy://h:1", "--user", "u", "--password", "p"],
            "proxy://h:1 takes no logon: say where with --logon https://HOST:PORT/nmci",
        ),
        (
            ["--to", "https://h:1", "--user", "u<", "--password", "p"],
            "https://h:1/nmci: cannot be sent: USERID: '<' cannot be data",
        ),
        (["--to", "dispatcher://h:1", "--proxy", "NINECHARS"], "dispatcher.target: 9 octets do n"),
        (["--to", "https://h:1", "--ca", __file__], f"{__file__}: holds no certificate; give a fi"),
        (["--to", "https://h:1", "--ca", "nofile"], "File 'nofile' does not exist"),
    ],
)
def test_send_cannot(arguments: list[str], told: str) -> None:
    assert told in cannot("send", "A<>", *arguments)


def test_send_to_nobody(nobody: int) -> None:
    for kind in ("native", "https"):
        line = cannot("send", "A<>", "--to", f"{kind}://127.0.0.1:{nobody}")
        assert line.endswith(": nobody listens there; is the server started?")


def test_send_of_letters_that_the_wire_has_not() -> None:
    assert cannot("send", "A<€>", "--to", "native://h:1") == (
        "'€' is not ISO 8859-1, the wire's character set; give the octets by `-`"
    )


def test_send_is_refused_a_logon(serve: Any, http_ok: Any) -> None:
    def script(connection: Any, server: Any) -> None:
        server.read_post(connection)
        connection.sendall(http_ok(b"\0" + bytes(32) + frame(b"\0\x64", b"VUMA<ERROR=6115>")))

    server = serve(script)
    line = cannot("send", "A<>", "--to", server.target("http"), "--user", "u", "--password", "p")
    assert line == f"{server.target('http')}/nmci refuses user 'u' with that password"


def test_a_reason_of_several_lines_is_told_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> Any:
        raise CannotBeDone("the database says:\n\tit is away\n")

    monkeypatch.setattr("starwire.harness.cli.read_octets", failing)
    assert cannot("parse") == "the database says: it is away"


def test_an_interrupt_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("starwire.harness.cli.read_octets", interrupted)
    assert cannot("parse") == "interrupted"
