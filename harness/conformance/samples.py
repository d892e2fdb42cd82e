"""Values of every form: such as must be taken, at the limits, and such as must be refused.

They are made from a line of the catalogue and the value that a good request has there. Each has a
word for the id of its case. What is refused is refused with the line's code for wrong values,
except `past`, an id beyond the greatest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from starwire.protocol.catalogue import ParameterSpec

Samples = Iterator[tuple[str, str]]

GREATEST = "2147483647"
PAST = "2147483648"
_DIGITS_LIKE = (("letters", "1x"), ("sign", "+1"), ("inside", "1 1"), ("superscript", "1\xb2"))
_SEPARATORS = ("comma", "a,b"), ("control-a", "a\x01b")


def taken(line: ParameterSpec, good: str) -> Samples:
    """What must be taken."""
    if line.ignored:
        yield from (("anything", "9999999"), ("group", "<x>"))
    elif line.bare:
        return
    elif line.values and line.form == "text":
        yield from ((f"value-{one}", one) for one in line.values if one != good)
    else:
        yield from _TAKEN.get(line.form, _nothing)(line, good)


def refused(line: ParameterSpec, good: str) -> Samples:
    """What must be refused in step 6."""
    if line.ignored:
        return
    if line.bare:
        yield from (("another", "PL_NONE"), ("group", "<PL_NONE>"))
    elif line.values and line.form == "text":
        yield from _no_value(line)
    else:
        yield from _REFUSED.get(line.form, _nothing)(line, good)


def _nothing(line: ParameterSpec, good: str) -> Samples:
    yield from ()


def _no_value(line: ParameterSpec) -> Samples:
    values = tuple(line.values or ())
    unknown = next(one for one in ("Q", "9", "X") if one not in values)
    yield "not-acceptable", unknown
    if values[0].lower() not in values:
        yield "other-case", values[0].lower()
    yield "over", values[0] * 2
    yield "two", ",".join(values[:2])
    yield "group", f"<{values[0]}>"


# What is taken.


def _text_taken(line: ParameterSpec, good: str) -> Samples:
    if line.listed is not None:
        return
    if line.length is not None:
        yield "limit", "x" * line.length
    if line.free:
        yield "comma", "north, south"
        yield "equals", "a=b"
    yield "octets", "\x00\xa0\xe4\xff~^"[: line.length]


def _digits_taken(line: ParameterSpec, good: str) -> Samples:
    if line.length is not None:
        yield "limit", "9" * line.length


def _id_taken(line: ParameterSpec, good: str) -> Samples:
    yield "greatest", GREATEST
    yield "zeros", (good if good.isdigit() else "1").zfill(line.length or 10)


def _number_taken(line: ParameterSpec, good: str) -> Samples:
    least = str(line.minimum or 0)
    yield "least", least
    yield "greatest", str(line.maximum)


def _list_taken(line: ParameterSpec, good: str) -> Samples:
    members = [one for one in good.strip("<>").split("~") if one]
    yield "bare", "~".join(members)
    yield "control-a", f"<{chr(1).join([*members, members[0]])}>"
    yield "empty-at-the-end", f"<{'~'.join(members)}~,>"
    if line.length is not None:
        yield "limit", f"<{'~'.join([members[0]] * ((line.length + 1) // (len(members[0]) + 1)))}>"


def _hierarchy_taken(line: ParameterSpec, good: str) -> Samples:
    yield "rows", "INBOUND<<1,a><NA,NA>>OUTBOUND<<2,b><,><,>>"


def _totals_taken(line: ParameterSpec, good: str) -> Samples:
    yield "several", "<<36,3491.70><67,580><1,-2.5>>"


def line_head(good: str) -> str:
    """What stands before the group."""
    return good.partition("<")[0]


# What is refused.


def _over(line: ParameterSpec, octet: str) -> Samples:
    if line.length is not None:
        yield "over", octet * (line.length + 1)


def _text_refused(line: ParameterSpec, good: str) -> Samples:
    yield from _over(line, "x")
    yield "group", "<x>"
    yield from (one for one in _SEPARATORS if not (line.free and one[0] == "comma"))
    if line.listed is not None:
        yield "not-listed", "zz"
        yield "the-other-form", "<LABEL=MDT,OFFSET=6>"


def _digits_refused(line: ParameterSpec, good: str) -> Samples:
    yield from _over(line, "1")
    yield from _DIGITS_LIKE
    yield "group", "<1>"


def _id_refused(line: ParameterSpec, good: str) -> Samples:
    yield "past", PAST
    yield "over", "1".zfill((line.length or 10) + 1)
    yield from _DIGITS_LIKE
    yield "group", "<1>"


def _number_refused(line: ParameterSpec, good: str) -> Samples:
    if line.minimum:
        yield "below", str(line.minimum - 1)
    if line.maximum is not None:
        yield "above", str(line.maximum + 1)
    yield "over", str(line.minimum or 0).zfill((line.length or 9) + 1)
    yield from _DIGITS_LIKE
    yield "minus", "-1"
    yield "group", "<1>"


def _mmss_refused(line: ParameterSpec, good: str) -> Samples:
    yield from _number_refused(line, good)
    yield "seconds", "160"


def _stamp_refused(line: ParameterSpec, good: str) -> Samples:
    yield "no-such-day", "199802290000"
    yield "no-such-hour", "199806022400"
    yield "short", "19980602"
    yield "over", "1998060200000"
    yield "letters", "19980602000x"
    yield "group", "<199806020000>"


def _datetime_refused(line: ParameterSpec, good: str) -> Samples:
    yield "no-such-day", "1998-02-29 00:00"
    yield "no-such-hour", "1998-06-02 24:00"
    yield "short", "1998-06-02"
    yield "seconds", "1998-06-02 10:00:00"
    yield "other-marks", "1998/06/02 10:00"
    yield "letters", "yesterday"


def _entpid_refused(line: ParameterSpec, good: str) -> Samples:
    yield "short", "0"
    yield "over", "{entpid}0"
    yield "comma", "0002,924"
    yield "group", "<000000>"


def _list_refused(line: ParameterSpec, good: str) -> Samples:
    yield "empty-member", "<1~~2>"
    yield "empty-first", "<~1>"
    yield "group-inside", "<1~<2>>"
    if line.length is not None:
        yield "over", f"<{'~'.join(['54'] * ((line.length + 1) // 3 + 1))}>"


def _columns_refused(line: ParameterSpec, good: str) -> Samples:
    yield from _list_refused(line, good)
    yield "letters", "<54~x>"
    yield "sorted", "<54A>"


def _sort_refused(line: ParameterSpec, good: str) -> Samples:
    yield from _list_refused(line, good)
    yield "no-order", "<54>"
    yield "other-order", "<54X>"
    yield "order-alone", "<A>"


def _hierarchy_refused(line: ParameterSpec, good: str) -> Samples:
    yield "text", "INBOUND"
    yield "no-pairs", "INBOUND<1,2>"
    yield "three", "INBOUND<<1,2,3>>"
    yield "deeper", "INBOUND<<1,<2>>>"
    yield "text-behind", "INBOUND<<1,2>>x"
    if line.rooted:
        yield "no-root", "INBOUND<<NA,NA>>"
        yield "empty-root", "INBOUND<<,>>"
        yield "no-second-root", "INBOUND<<1,a>>OUTBOUND<<NA,NA><2,b>>"


def _totals_refused(line: ParameterSpec, good: str) -> Samples:
    yield "text", "36"
    yield "no-pairs", "<36,3491.70>"
    yield "letters", "<<36,much>>"
    yield "one", "<<36>>"


def _group_refused(line: ParameterSpec, good: str) -> Samples:
    yield "text", "20"
    yield "two", good * 2
    yield "text-before", f"x{good}"
    yield "text-behind", f"{good}x"
    yield "no-name", f"<5,{good[1:]}"


def _headed_refused(line: ParameterSpec, good: str) -> Samples:
    behind = good[good.index("<") :]
    yield "not-acceptable", f"X{behind}"
    yield "two", good + behind
    yield "text-behind", f"{good}x"
    yield "no-name", f"{line_head(good)}<5,{behind[1:]}"


_TAKEN: dict[str, Callable[[ParameterSpec, str], Samples]] = {
    "text": _text_taken,
    "digits": _digits_taken,
    "id": _id_taken,
    "number": _number_taken,
    "mmss": _number_taken,
    "list": _list_taken,
    "columns": _list_taken,
    "sort": _list_taken,
    "hierarchy": _hierarchy_taken,
    "totals": _totals_taken,
}
_REFUSED: dict[str, Callable[[ParameterSpec, str], Samples]] = {
    "text": _text_refused,
    "digits": _digits_refused,
    "id": _id_refused,
    "number": _number_refused,
    "mmss": _mmss_refused,
    "stamp": _stamp_refused,
    "datetime": _datetime_refused,
    "entpid": _entpid_refused,
    "list": _list_refused,
    "columns": _columns_refused,
    "sort": _sort_refused,
    "hierarchy": _hierarchy_refused,
    "totals": _totals_refused,
    "group": _group_refused,
    "headed": _headed_refused,
}
