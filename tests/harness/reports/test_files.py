"""Reports as JSON: there and back, what is refused and how, and the published schema."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from support_reports import EXAMPLES, ROOT, failed, report, result

from starwire.harness.conformance.result import Outcome, Report, widths_of
from starwire.harness.reports.files import ReportError, decode, encode, read
from starwire.protocol.profile import shipped

WHOLE = report(
    result(),
    failed(attempts=(2, 3), flags=("rule changed since this case was reviewed: STS-01",)),
    result("octets@rm", events=()),
)


def plain() -> Any:
    return json.loads(encode(WHOLE))


def test_a_report_comes_back_as_it_was_written() -> None:
    assert decode(encode(WHOLE)) == WHOLE


def test_octets_are_base64() -> None:
    event = plain()["results"][0]["events"][1]
    assert base64.b64decode(event["octets"]) == EXAMPLES["GRTL to a proxy, default"]


def test_text_that_no_encoding_takes_is_written_out() -> None:
    told = decode(encode(report(target="\udcff.socket", clauses={}, results=())))
    assert told.target == "\\udcff.socket"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it.update(format=2), "format: is 2; this starwire reads 1: read it with a"),
        (lambda it: it.update(format=0), "format: is 0; this starwire reads 1"),
        (lambda it: it.pop("format"), "is no report of `starwire check`: its format is missing"),
        (lambda it: it.update(extra=1), "extra: no such key"),
        (lambda it: it.pop("seconds"), "seconds: missing"),
        (lambda it: it["results"][1].update(outcome="green"), "results[1].outcome: "),
        (lambda it: it["results"][1].update(rules="STS-01"), "results[1].rules: must be an array"),
        (lambda it: it["results"][1]["divergence"].pop("event"), "results[1].divergence.event: "),
        (lambda it: it["results"][0]["events"][1].update(octets="?"), "results[0].events[1]."),
        (lambda it: it.update(widths=[]), "widths: must be an object"),
    ],
)
def test_a_mistake_is_named_by_its_key(change: Any, said: str) -> None:
    changed = plain()
    change(changed)
    with pytest.raises(ReportError) as refused:
        decode(json.dumps(changed).encode())
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("octets", [b"", b"{", b'{"format":1', b"\xff", b'{"a":' + b"[" * 100_000])
def test_what_is_no_json_is_refused(octets: bytes) -> None:
    with pytest.raises(ReportError, match="is no JSON: "):
        decode(octets)


@pytest.mark.parametrize("octets", [b"[]", b"1", b'{"format": "one"}', b"null"])
def test_what_is_no_report_is_refused(octets: bytes) -> None:
    with pytest.raises(ReportError, match="is no report of `starwire check`"):
        decode(octets)


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with pytest.raises(ReportError, match=r"report\.json: No such file"):
        read(path)
    path.write_bytes(encode(WHOLE).replace(b'"must"', b'"perhaps"', 1))
    with pytest.raises(ReportError, match=r"report\.json: results\[0\]\.level: "):
        read(path)
    path.write_bytes(encode(WHOLE))
    assert read(path) == WHOLE


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Draft202012Validator:
    text = (ROOT / "docs" / "report.schema.json").read_text("utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(text))


def test_a_report_is_what_the_schema_says(schema: jsonschema_rs.Draft202012Validator) -> None:
    schema.validate(plain())


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.update(format=2),
        lambda it: it.update(extra=1),
        lambda it: it["results"][1].update(outcome="green"),
        lambda it: it["results"][1]["divergence"].pop("event"),
        lambda it: it["widths"]["common"][0].update(kind="middle"),
    ],
)
def test_what_is_refused_is_against_the_schema(
    schema: jsonschema_rs.Draft202012Validator, change: Any
) -> None:
    changed = plain()
    change(changed)
    assert not schema.is_valid(changed)
    with pytest.raises(ReportError):
        decode(json.dumps(changed).encode())


def test_the_schema_knows_every_outcome_and_key() -> None:
    definitions = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))["$defs"]
    assert definitions["Outcome"]["enum"] == sorted(Outcome)
    assert list(definitions["Report"]["properties"]) == list(Report.__struct_fields__)


@pytest.mark.parametrize("name", ["default", "little"])
def test_the_widths_are_those_of_the_profile(name: str) -> None:
    profile = shipped(name)
    widths = widths_of(profile)
    assert list(widths) == ["common", "dispatcher", "web", "bulk"]
    for layer, fields in widths.items():
        assert sum(field.width for field in fields) == getattr(profile.wire, layer).size
    order = {"default": "big", "little": "little"}[name]
    kinds = {field.name: field.kind for field in widths["common"]}
    assert kinds == {
        **dict.fromkeys(("version", "length", "echo", "type", "serial", "status"), order),
        "session_key": "text",
    }
    assert msgspec.json.decode(msgspec.json.encode(widths))["web"][1] == {
        "name": "session_key",
        "width": 16 if name == "little" else 32,
        "kind": "text",
    }
