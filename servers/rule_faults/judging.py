"""The order in which messages are judged, and what goes wrong behind it: ERR-03 to ERR-08."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from starwire.protocol.catalogue import MessageSpec, ParameterSpec
from starwire.protocol.validation import Refusal

from .. import capacity, jar, report_manager
from ..backend import CONNECTION_FAILED, Outcome, Refused
from ..capacity import Capacity
from ..inbox import Inbox
from ..ports import Port
from ..report_manager import ReportManager
from ..services import Services
from .fault import breaks
from .messages import OfSpec, is_request, requests_changed
from .syntax import recoded
from .works import Works, remade

# ---- ERR-03: the order of the steps --------------------------------------------------------------


def _judged_without(works: Works, step: int, change: OfSpec) -> None:
    """Where a message fails at `step`, let it be judged by a changed table first; what fails there
    at a later step goes before.
    """

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            if refusal.step == step:
                known = options["catalogue"]
                messages = [change(spec) if is_request(spec) else spec for spec in known.messages]
                try:
                    validate(octets, door, **{**options, "catalogue": remade(known, messages)})
                except Refusal as other:
                    if other.step > step:
                        raise other from None
            raise

    works.validation(around)


def _each_line(change: Callable[[ParameterSpec], ParameterSpec]) -> OfSpec:
    return lambda spec: replace(spec, parameters=tuple(map(change, spec.parameters)))


@breaks("acronym-before-syntax", "ERR-03", "ERR-02")
def _(works: Works) -> None:
    """A message that is not known is told so before its syntax is judged."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            name, bracket, _ = octets.partition(b"<")
            known = options["catalogue"].entry(door, name.decode("latin-1").strip())
            if refusal.step == 1 and bracket and known is None:
                validate(name + b"<>", door, **options)
            raise

    works.validation(around)


@breaks("token-before-acronym", "ERR-03")
def _(works: Works) -> None:
    """A message that is not known is told its first token: 6610, at the Inbox 5101."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            instead = {6104: 6610, 5103: 5101}.get(refusal.code)
            if instead and b"=" in octets:
                raise recoded(refusal, instead) from None
            raise

    works.validation(around)


@breaks("missing-before-token", "ERR-03")
def _(works: Works) -> None:
    """A missing parameter is told before an unknown token."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            if refusal.step == 3 and refusal.parameter:
                name = re.escape(refusal.parameter.encode("latin-1"))
                slot = name + rb"=[^<>,\x01]*"
                without = re.sub(rb"[,\x01]" + slot + b"|" + slot + rb"[,\x01]?", b"", octets)
                try:
                    validate(without, door, **options)
                except Refusal as other:
                    if other.step == 4:
                        raise other from None
            raise

    works.validation(around)


@breaks("empty-before-missing", "ERR-03")
def _(works: Works) -> None:
    """An empty parameter is told before a missing one."""

    def change(line: ParameterSpec) -> ParameterSpec:
        return replace(line, missing=None, required="no") if line.empty is not None else line

    _judged_without(works, 4, _each_line(change))


@breaks("wrong-before-empty", "ERR-03")
def _(works: Works) -> None:
    """A wrong value is told before an empty parameter."""

    def change(line: ParameterSpec) -> ParameterSpec:
        return replace(line, empty=None, blank=None, required="no", instead=())

    _judged_without(works, 5, _each_line(change))


@breaks("identity-before-form", "ERR-03", "HDR-11")
def _(works: Works) -> None:
    """Whose ids a message has is judged before the form of its values."""

    _told_to_strangers(works, ReportManager, (6103, 6107, 6706), 6115)
    _told_to_strangers(works, Inbox, (5132,), 5131)


def _told_to_strangers(works: Works, kind: type, codes: tuple[int, ...], instead: int) -> None:
    """Let a message with another USERID than the session's fail with another code than these."""

    def made(answer: Any) -> Any:
        def answered(self: Any, connection: Any, octets: bytes, door: str, customer: Any) -> Any:
            told = answer(self, connection, octets, door, customer)
            found = re.search(rb"[<,]USERID=([^<>,]*)", octets)
            stranger = customer and found and found[1].decode("latin-1") != customer.userid
            if told.error in codes and stranger:
                octets_of = re.sub(rb"ERROR=[0-9]+", b"ERROR=%d" % instead, told.octets)
                return replace(told, error=instead, octets=octets_of)
            return told

        return answered

    works.exchange(kind, "answer", made)


@breaks("items-before-identity", "ERR-03", "HDR-11")
def _(works: Works) -> None:
    """That there is nothing to list is told before whose ids the message has."""
    _told_to_strangers(works, Inbox, (5131,), 5100)


@breaks("template-before-identity", "ERR-03", "HDR-11")
def _(works: Works) -> None:
    """That a template does not exist is told before whose ids the message has."""

    def made(act: Any) -> Any:
        def acted(work: Any) -> Outcome:
            work.template("RPTTMPID")
            return act(work)  # type: ignore[no-any-return]

        return acted

    works.exchange(report_manager._ACTS, "GURL", made)


@breaks("table-judged-backwards", "ERR-03")
def _(works: Works) -> None:
    """Within a step the last line of the table decides."""
    works.specs(
        lambda spec: replace(spec, parameters=spec.parameters[::-1]) if is_request(spec) else spec
    )


@breaks("value-before-repetition", "ERR-03", "SYN-13")
def _(works: Works) -> None:
    """That a value is wrong is told before that its parameter was given twice."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            if refusal.reason == "is given twice" and refusal.parameter:
                name = re.escape(refusal.parameter.encode("latin-1"))
                once = re.sub(rb",(" + name + rb"=[^<>,\x01]*)(?=[,>])", b"", octets, count=1)
                try:
                    validate(once, door, **options)
                except Refusal as other:
                    raise other from None
            raise

    works.validation(around)


@breaks("only-first-occurrence-judged", "ERR-03")
def _(works: Works) -> None:
    """That a parameter is empty is looked at where it stands first."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            name = (refusal.parameter or "").encode("latin-1")
            if refusal.step == 5 and octets.count(b"," + name + b"=") == 1:
                first = octets.find(b"<" + name + b"=")
                if first >= 0 and octets[first + len(name) + 2 : first + len(name) + 3].isalnum():
                    raise recoded(refusal, 6103) from None
            raise

    works.validation(around)


@breaks("empty-optional-refused", "ERR-03")
def _(works: Works) -> None:
    """An optional parameter may not be empty."""

    def change(spec: MessageSpec) -> MessageSpec:
        code = 6703 if spec.family == "RM" else 5102
        lines = [
            replace(line, empty=code) if line.empty is None and line.required == "no" else line
            for line in spec.parameters
        ]
        return replace(spec, parameters=tuple(lines))

    requests_changed(works, ("L", "A", "ARD", "F"), change)


@breaks("no-rows-is-7000", "ERR-03")
def _(works: Works) -> None:
    """A list without rows is 7000 rather than 6109."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return answer.replace(b"L<ERROR=6109>", b"L<ERROR=7000>")

    works.responses(change)


# ---- ERR-04 to ERR-08 ----------------------------------------------------------------------------


@breaks("blanks-only-are-empty", "ERR-04")
def _(works: Works) -> None:
    """A value of blanks is told as one of no octets."""

    def change(spec: MessageSpec) -> MessageSpec:
        lines = [replace(line, blank=None) for line in spec.parameters]
        return replace(spec, parameters=tuple(lines))

    works.specs(lambda spec: change(spec) if is_request(spec) else spec)


def _forgiving(works: Works, acronym: str, code: int) -> None:
    """Let a message succeed, and do nothing, that is refused with that code."""

    def made(act: Any) -> Any:
        def acted(work: Any) -> Outcome:
            try:
                return act(work)  # type: ignore[no-any-return]
            except Refused as refused:
                if refused.code != code:
                    raise
                return Outcome()

        return acted

    works.exchange(report_manager._ACTS, acronym, made)


@breaks("size-of-file-unchecked", "ERR-04")
def _(works: Works) -> None:
    """An NRL whose FSIZE is not the size of the file, or whose REQUESTID is unknown, is taken."""
    _forgiving(works, "NRL", 6707)


@breaks("nrl-taken-twice", "ERR-04")
def _(works: Works) -> None:
    """An NRL for a REQUESTID that has had one is answered with 0."""
    _forgiving(works, "NRL", 6050)


@breaks("unknown-request-acknowledged", "ERR-04")
def _(works: Works) -> None:
    """An ARDA for a REQUESTID that there is not is answered with 0."""
    _forgiving(works, "ARDA", 6707)


@breaks("file-before-request", "ERR-04")
def _(works: Works) -> None:
    """The file of an NRL is looked for before its REQUESTID."""

    def made(act: Any) -> Any:
        def acted(work: Any) -> Outcome:
            if work.files.find(work.request.scalar("LOC")) is None:
                raise Refused(6108)
            return act(work)  # type: ignore[no-any-return]

        return acted

    works.exchange(report_manager._ACTS, "NRL", made)


@breaks("server-of-template-unchecked", "ERR-04", "CAT-07")
def _(works: Works) -> None:
    """A report is added although its fulfilling server is not configured, or a fault says so."""

    def made(init: Any) -> Any:
        def begun(self: Any, server_code: Any = None, **options: Any) -> None:
            def others() -> int:
                code = server_code() if server_code is not None else 0
                return 0 if code == 6116 else code

            servers = report_manager.FULFILLING_SERVERS
            init(self, **{**options, "servers": servers, "server_code": others})

        return begun

    works.exchange(ReportManager, "__init__", made)


@breaks("store-failure-is-6101", "ERR-06")
def _(works: Works) -> None:
    """A store that cannot be reached is told as a general failure."""
    for table in ("RM", "INBOX"):
        works.exchange(CONNECTION_FAILED, table, lambda _: 6101)


@breaks("jar-without-store-is-6101", "ERR-06", "WEB-09")
def _(works: Works) -> None:
    """A cookie jar whose store cannot be reached answers 6101."""
    works.exchange(jar, "NO_STORE", lambda _: 6101)


@breaks("failure-told-in-full", "ERR-07")
def _(works: Works) -> None:
    """A failure of the store is told to the peer with its query."""

    def made(told: Any) -> Any:
        def full(self: Any, error: Exception, octets: bytes, door: str) -> Any:
            done = told(self, error, octets, door)
            text = repr(error).encode("latin-1", "replace")[:200]
            return type(done)(done.error, done.octets + text)

        return full

    works.exchange(Services, "_told", made)


@breaks("failure-closes", "ERR-07")
def _(works: Works) -> None:
    """A failure of the store closes the connection without a reply."""

    def told(self: Any, error: Exception, octets: bytes, door: str) -> Any:
        raise error

    works.exchange(Services, "_told", lambda _: told)


@breaks("overload-is-106", "ERR-08", "STS-01")
def _(works: Works) -> None:
    """What a server does not take on is answered with 106."""

    def made(refused: Any) -> Any:
        def told(port: Any, frame: Any, hop: Any) -> Any:
            answer = refused(port, frame, hop)
            header = replace(port.codec.decode(answer.octets), status=106)
            return replace(answer, octets=port.codec.encode(header))

        return told

    works.exchange(capacity, "_overloaded", made)


@breaks("overload-refuses-echo", "ERR-08", "HDR-05")
def _(works: Works) -> None:
    """An echo is refused as any frame when a server takes nothing more on."""
    works.exchange(Port, "is_echo", lambda _: lambda self, request: False)


@breaks("everything-taken-on", "ERR-08")
def _(works: Works) -> None:
    """A server takes on any number of transactions."""
    works.exchange(Capacity, "_is_full", lambda _: lambda self, name: False)
