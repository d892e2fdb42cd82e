"""The faults of each row of the catalogue and of each code, found by name.

    skip.GRTL.PRODUCT            the row is not checked: missing, empty and wrong will do
    skip.ARD-client.THRESHOLD.RANKING     likewise a member of a group, in a variant of a message
    limit.CRD.NAME               what is at its greatest length or value is refused
    least.U.TTL                  what is at its least value is refused
    value.GRTL.PRODUCT.V         an acceptable value is refused
    gone.GRTD                    the message is not known
    unknown.GRTL                 parameters that the message does not have are taken
    code.6827                    the code is sent as another

Of the rows those of requests that come in by a port.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from msgspec.structs import replace

from starwire.protocol.catalogue import MessageSpec, ParameterSpec, catalogue
from starwire.protocol.codes import codes
from starwire.protocol.validation import Refusal

from .. import emulator
from .fault import Break, RuleFault
from .works import NATIVE, PROXIES, Works, remade

_LENGTHS = ("text", "digits", "id", "list", "columns", "sort")
_RANGES = ("number", "mmss", "offset")
_MOST_STRANGERS = 16
_NEEDED = ("GRTL", "L", "GUA", "CKG", "CKM")
"""Without which a server answers nothing that a tester could begin with."""
OfLine = Callable[[ParameterSpec], ParameterSpec]
Path = tuple[str, ...]


@cache
def generated_faults() -> dict[str, RuleFault]:
    """Every generated fault by name, in the order of the catalogue and of the codes."""
    rows = [_fault_of_row(*row) for spec in judged_tables() for row in _rows_of(spec)]
    faults = [*(fault for found in rows for fault in found), *_of_messages(), *_of_codes()]
    return {fault.name: fault for fault in faults}


def judged_tables() -> list[MessageSpec]:
    """The tables by which a server judges what comes in by a port."""
    return [spec for spec in catalogue().messages if _is_judged(spec)]


def _is_judged(spec: MessageSpec) -> bool:
    if spec.direction == "request":
        return set(spec.doors) != {"bus"}
    return bool(set(spec.received) - {"bus"})


def table_name(spec: MessageSpec) -> str:
    """How a table is called in the name of a fault."""
    return f"{spec.acronym}-{spec.variant}" if spec.variant else spec.acronym


def _rows_of(spec: MessageSpec) -> Iterator[tuple[MessageSpec, Path, ParameterSpec]]:
    """The lines of a table, each with its path from the message."""

    def lines(
        around: Path, table: tuple[ParameterSpec, ...]
    ) -> Iterator[tuple[MessageSpec, Path, ParameterSpec]]:
        for line in table:
            path = (*around, line.name)
            yield spec, path, line
            yield from lines(path, line.members)

    return lines((), spec.parameters)


def _fault_of_row(spec: MessageSpec, path: Path, line: ParameterSpec) -> list[RuleFault]:
    table, row = table_name(spec), ".".join(path)
    said = f"{spec.acronym} ({spec.variant})" if spec.variant else spec.acronym
    found = []
    if not line.ignored:
        found.append(
            _fault(
                f"skip.{table}.{row}",
                ("CAT-02", "ERR-03"),
                f"{said} takes {row} missing, empty or wrong.",
                _skipping(spec.key, path),
            )
        )
    limited = lowered(line)
    if limited is not None:
        found.append(
            _fault(
                f"limit.{table}.{row}",
                ("CAT-02",),
                f"{said} refuses {row} at its limit.",
                _changing(spec.key, path, lambda _: limited),
            )
        )
    if line.minimum is not None and line.form in _RANGES:
        found.append(
            _fault(
                f"least.{table}.{row}",
                ("CAT-02",),
                f"{said} refuses {row} at its least value.",
                _changing(
                    spec.key, path, lambda line: replace(line, minimum=1 + (line.minimum or 0))
                ),
            )
        )
    if not line.bare:
        found += [_without_value(spec, path, line, value) for value in line.values or ()]
    return found


def _without_value(spec: MessageSpec, path: Path, line: ParameterSpec, value: str) -> RuleFault:
    others = {one: meaning for one, meaning in (line.values or {}).items() if one != value}
    return _fault(
        f"value.{table_name(spec)}.{'.'.join(path)}.{value}",
        ("CAT-02",),
        f"{spec.acronym} refuses {value} for {'.'.join(path)}.",
        _changing(spec.key, path, lambda line: replace(line, values=others)),
    )


def _fault(name: str, rules: tuple[str, ...], sentence: str, breaks: Break) -> RuleFault:
    return RuleFault(name, rules, sentence, breaks, generated=True)


# ---- rows ----------------------------------------------------------------------------------------


def unchecked(line: ParameterSpec) -> ParameterSpec:
    """The line as if it asked nothing of its parameter."""
    return replace(
        line,
        form="any",
        required="no",
        when=(),
        only=False,
        values=None,
        listed=None,
        length=None,
        minimum=None,
        maximum=None,
        pairs=None,
        rooted=False,
        missing=None,
        empty=None,
        blank=None,
        wrong=None,
        instead=(),
    )


def lowered(line: ParameterSpec) -> ParameterSpec | None:
    """The line with a limit that is one less; None where nothing could show it."""
    if line.ignored or line.values or line.listed:
        return None
    if line.form in _RANGES and line.maximum is not None:
        return replace(line, maximum=line.maximum - 1)
    if line.form in _LENGTHS and line.length is not None and line.length > 1:
        return replace(line, length=line.length - 1)
    return None


def _skipping(key: tuple[str, str, str], path: Path) -> Break:
    """Check neither a line nor what holds between it and others."""

    def unblamed(spec: MessageSpec) -> MessageSpec:
        if spec.key != key or len(path) > 1:
            return spec
        return replace(spec, checks=tuple(one for one in spec.checks if one.parameter != path[0]))

    def breaks(works: Works) -> None:
        _changing(key, path, unchecked)(works)
        works.specs(unblamed)

    return breaks


def _changing(key: tuple[str, str, str], path: Path, change: OfLine) -> Break:
    """Change one line of one table."""

    def table(lines: tuple[ParameterSpec, ...], path: Path) -> tuple[ParameterSpec, ...]:
        return tuple(_at(line, path) if line.name == path[0] else line for line in lines)

    def _at(line: ParameterSpec, path: Path) -> ParameterSpec:
        if len(path) == 1:
            return change(line)
        return replace(line, members=table(line.members, path[1:]))

    def changed(spec: MessageSpec) -> MessageSpec:
        return replace(spec, parameters=table(spec.parameters, path)) if spec.key == key else spec

    return lambda works: works.specs(changed)


# ---- messages ------------------------------------------------------------------------------------


def _of_messages() -> Iterator[RuleFault]:
    for acronym in dict.fromkeys(spec.acronym for spec in judged_tables()):
        sentence = f"{acronym} takes parameters that it does not have."
        breaks = _taking_strangers(acronym)
        yield _fault(f"unknown.{acronym}", ("ERR-03", "SYN-05"), sentence, breaks)
        if acronym not in _NEEDED:
            sentence = f"{acronym} is not known."
            yield _fault(f"gone.{acronym}", ("CAT-01",), sentence, _forgetting(acronym))


def _forgetting(acronym: str) -> Break:
    def without(known: Any) -> Any:
        return remade(
            known,
            [spec for spec in known.messages if spec.acronym != acronym or not _is_judged(spec)],
        )

    return lambda works: works.catalogue(without)


def _taking_strangers(acronym: str) -> Break:
    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        known = options["catalogue"]
        for _ in range(_MOST_STRANGERS):
            try:
                return validate(octets, door, **{**options, "catalogue": known})
            except Refusal as refusal:
                name = octets.partition(b"<")[0].decode("latin-1").strip()
                if refusal.step != 3 or name != acronym or not refusal.parameter:
                    raise
                known = _with_stranger(known, acronym, refusal.parameter)
        return validate(octets, door, **options)

    return lambda works: works.validation(around)


def _with_stranger(known: Any, acronym: str, name: str) -> Any:
    stranger = ParameterSpec(name=name, title="unknown", form="any", required="no", repeats=True)
    return remade(
        known,
        [
            replace(spec, parameters=(*spec.parameters, stranger))
            if spec.acronym == acronym and _is_judged(spec)
            else spec
            for spec in known.messages
        ],
    )


# ---- codes ---------------------------------------------------------------------------------------


def _of_codes() -> Iterator[RuleFault]:
    for code in dict.fromkeys(one.code for one in codes() if one.code):
        other = code + 1
        sentence = f"The code {code} is sent as {other}."
        yield _fault(f"code.{code}", ("ERR-01", "ERR-06"), sentence, _sending(code, other))


def _sending(code: int, other: int) -> Break:
    found = re.compile(rb"(?<=ERROR=)%d(?=[,>])" % code)
    instead = b"%d" % other

    def validated(validate: Any) -> Any:
        def judged(*arguments: Any, **options: Any) -> Any:
            try:
                return validate(*arguments, **options)
            except Refusal as refusal:
                refusal.reply = found.sub(instead, refusal.reply)
                raise

        return judged

    def breaks(works: Works) -> None:
        ports = (*PROXIES, *NATIVE, "jar")
        works.replies(ports, lambda profile, octets, request: found.sub(instead, octets))
        works.exchange(emulator, "validate", validated)  # what a native port cannot read

    return breaks
