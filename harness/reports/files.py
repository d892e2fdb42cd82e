"""Reports as JSON: octets to values and back, the schema of it is docs/report.schema.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from starwire.harness.conformance.result import FORMAT, Report
from starwire.protocol.profile import translated


class ReportError(ValueError):
    """What is no report, in one line: the key at fault ("" for the whole) and why."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}" if key else reason)
        self.key = key
        self.reason = reason


def encode(report: Report) -> bytes:
    """The report as JSON, indented, with a line end. The same for equal reports."""
    return msgspec.json.format(json_of(report), indent=2) + b"\n"


def json_of(value: Any) -> bytes:
    """The value as JSON, in one line."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # A name from a command line that is no UTF-8 came in with surrogates.
        return msgspec.json.encode(_encodable(msgspec.to_builtins(value)))


def decode(octets: bytes) -> Report:
    """The report that the JSON says. Raises ReportError."""
    try:
        beginning = msgspec.json.decode(octets, type=_Beginning)
    except msgspec.ValidationError:
        raise ReportError("", "is no report of `starwire check`: its format is missing") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError("", f"is no JSON: {error}") from None
    if beginning.format != FORMAT:
        newer = ": read it with a newer one" if beginning.format > FORMAT else ""
        raise ReportError("format", f"is {beginning.format}; this starwire reads {FORMAT}{newer}")
    try:
        return _decoder.decode(octets)
    except msgspec.ValidationError as error:
        wrong = translated(str(error), "")
        # The words of `translated` are those of TOML.
        raise ReportError(wrong.key, wrong.reason.replace("a table", "an object")) from None


def read(path: str | Path) -> Report:
    """The report in a file. Raises ReportError, which names the file."""
    try:
        return decode(Path(path).read_bytes())
    except OSError as error:
        raise ReportError(str(path), error.strerror or str(error)) from None
    except ReportError as error:
        raise ReportError(str(path), str(error)) from None


class _Beginning(msgspec.Struct):
    """What is the same in every format, so that another one can be named."""

    format: int


def _encodable(value: Any) -> Any:
    """The same, surrogates written out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(one) for one in value]
    return value


_decoder = msgspec.json.Decoder(Report)
