"""What the protocol says of each field, counted over the frames.

`judge_integer` and `judge_text` take the octets that a field would have in each frame and give how
many frames speak against it, how odd it would be if it were so, and the evidence in words.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from starwire.protocol.layout import ByteOrder, Pad
from starwire.protocol.profile import TARGETS
from starwire.protocol.status import MessageType, Operation, Status, Transaction

from .preferences import WIDE_FLAG, WIDE_MULTIPLE
from .traffic import Data

TEXTS = frozenset({"session_key", "target", "user_id", "enterprise_id"})
"""The fields that hold text; all others hold integers."""
_NEVER_EMPTY_KEY = re.compile(rb"[0-9a-fA-F]+")
_FILLS: dict[Pad, bytes] = {"nul": rb"\x00", "blank": rb" "}
_TEXT: dict[Pad, re.Pattern[bytes]] = {
    pad: re.compile(rb"[!-~\xa1-\xff]*" + fill + b"*") for pad, fill in _FILLS.items()
}
_OCTETS: dict[Pad, bytes] = {"nul": b"\0", "blank": b" "}
_TARGETS = {name.encode() for name in TARGETS}
_STATUSES = {int(status) for status in Status}
_BARE = {int(status) for status in Status if status not in (1, 3, 4, 5, 100)}
_ODD = 4.0
"""The cost of what is against the custom in every frame; of some frames, as much less."""
_FALLS = 12.0
"""The cost of serials that never rise: a wrong order or a wrong place makes them fall."""
_STRIDE = 6.0
"""The cost of each octet of a serial that stands still below the one that counts: numbers are given
out one by one, and read the wrong way round they go in strides of 256."""


class Row(Struct, gc=False):
    """The header of one frame, and what stands beside it."""

    octets: bytes
    size: int
    """Of the frame."""
    is_request: bool
    line: int
    is_twin: bool = False
    data: Data = Data()
    status: int = 0
    """Of a bulk header, that of the header in front of it."""


class Judged(Struct, frozen=True):
    """What the frames say of one field in one place."""

    wrong: int
    of: int
    odd: float = 0.0
    words: str = ""
    no_text: int = 0
    """Where it is no text, and would be none with more octets behind it."""


Values = Sequence[int]


def judge_integer(
    name: str, rows: Sequence[Row], start: int, width: int, order: ByteOrder
) -> Judged:
    """An integer of that name in that place."""
    end = start + width
    values = [int.from_bytes(row.octets[start:end], order) for row in rows]
    judged = _INTEGERS[name](rows, values)
    seen = set(values) - {0}
    if width > 1 and seen and not any(value & 0xFF for value in seen):
        if len(seen) > 2 and name != "version":
            return Judged(len(rows), len(rows), words="a multiple of 256 in every frame")
        odd = judged.odd + (WIDE_FLAG if name == "echo" else WIDE_MULTIPLE)
        return Judged(judged.wrong, judged.of, odd, judged.words)
    return judged


def judge_text(name: str, rows: Sequence[Row], start: int, width: int, pad: Pad) -> Judged:
    """A text of that name in that place."""
    end, fill = start + width, _OCTETS[pad]
    seen = Counter(row.octets[start:end] for row in rows)
    fits = _TEXT[pad].fullmatch
    wrong = sum(count for value, count in seen.items() if not fits(value))
    texts = {value: value.rstrip(fill) for value in seen}
    full = all(len(text) == width for text in texts.values())
    padded = "its fill was never seen" if full else f"filled with {_NAMES[pad]}"
    judged = Judged(wrong, len(rows), 0.0, padded, wrong)
    if name == "target":
        return _judge_target(rows, seen, texts, judged)
    if name == "session_key":
        return _judge_key(rows, seen, texts, width, judged)
    return _judge_identity(name, rows, texts, (start, end), judged)


_NAMES: dict[Pad, str] = {"nul": "NULs", "blank": "blanks"}


def _judge_target(
    rows: Sequence[Row], seen: Counter[bytes], texts: dict[bytes, bytes], judged: Judged
) -> Judged:
    unknown = sum(
        count for value, count in seen.items() if texts[value] and texts[value] not in _TARGETS
    )
    empty = sum(count for value, count in seen.items() if not texts[value])
    names = sorted(text.decode() for text in set(texts.values()) & _TARGETS)
    words = f"{', '.join(names) or 'always empty'}, {judged.words}"
    return replace(
        judged, wrong=max(unknown, judged.wrong), odd=_ODD * empty / len(rows), words=words
    )


def _judge_key(
    rows: Sequence[Row],
    seen: Counter[bytes],
    texts: dict[bytes, bytes],
    width: int,
    judged: Judged,
) -> Judged:
    keys = [text for text in texts.values() if text]
    odd = 1.0 if not keys else 0.0
    odd += _ODD * any(not _NEVER_EMPTY_KEY.fullmatch(text) for text in keys)
    odd += 1.0 * any(len(text) != width for text in keys)
    empty = sum(count for value, count in seen.items() if not texts[value])
    plural = "" if len(keys) == 1 else "s"
    told = f"{len(keys)} key{plural} in {len(rows) - empty} frames, empty in {empty}"
    return replace(judged, odd=odd, words=f"{told}, {judged.words}")


def _judge_identity(
    name: str,
    rows: Sequence[Row],
    texts: dict[bytes, bytes],
    place: tuple[int, int],
    judged: Judged,
) -> Judged:
    """A user id or an enterprise id: what the message says of itself is the same (HDR-11)."""
    start, end = place
    said = equal = 0
    for row in rows:
        field = texts[row.octets[start:end]].decode("latin-1")
        told = row.data.user if name == "user_id" else row.data.enterprise
        if row.is_request and field and told:
            said += 1
            equal += field == told
    filled = sum(1 for row in rows if texts[row.octets[start:end]])
    words = [f"filled in {filled} frames" if filled else "always empty", judged.words]
    if equal:
        key = "USERID" if name == "user_id" else "ENTPID"
        words.append(f"the {key} of the message in {equal} of {said}")
    wrong = judged.wrong + said - equal
    return replace(judged, wrong=wrong, odd=0.5 * (not filled), words=", ".join(words))


def _version(rows: Sequence[Row], values: Values) -> Judged:
    value, most = Counter(values).most_common(1)[0]
    return Judged(
        len(values) - most, len(values), 0.0, f"{value} in {most} of {len(values)} frames"
    )


def _length(rows: Sequence[Row], values: Values) -> Judged:
    right = sum(row.size == value for row, value in zip(rows, values, strict=True))
    told = f"equals the frame's size in {right} of {len(rows)} frames"
    return Judged(len(rows) - right, len(rows), 0.0, told)


def _echo(rows: Sequence[Row], values: Values) -> Judged:
    wrong = sum(row.is_twin != (value != 0) for row, value in zip(rows, values, strict=True))
    echoes = sum(row.is_twin for row in rows)
    told = (
        f"not 0 in {sum(value != 0 for value in values)} frames, {echoes} came back unchanged"
        if echoes
        else "0 in every frame: no echo was seen"
    )
    return Judged(wrong, len(rows), 0.0, told)


def _type(rows: Sequence[Row], values: Values) -> Judged:
    asked: defaultdict[int, set[int]] = defaultdict(set)
    for row, value in zip(rows, values, strict=True):
        if row.is_request:
            asked[row.line].add(value)
    wrong = 0
    for row, value in zip(rows, values, strict=True):
        if value > MessageType.BULK:
            wrong += 1
        elif row.is_request:
            if row.data.is_message:
                wrong += value > MessageType.REQUEST
            elif row.data.is_other:
                wrong += value < MessageType.POLL  # an identifier or a bulk header
        elif value and row.line in asked:
            wrong += value not in asked[row.line]
    return Judged(wrong, len(rows), 0.0, f"seen: {_told(values)}")


def _serial(rows: Sequence[Row], values: Values) -> Judged:
    asked: defaultdict[int, set[int]] = defaultdict(set)
    requests = [value for row, value in zip(rows, values, strict=True) if row.is_request]
    for row, value in zip(rows, values, strict=True):
        if row.is_request:
            asked[row.line].add(value)
    replies = [
        (row.line, value)
        for row, value in zip(rows, values, strict=True)
        if not row.is_request and row.line in asked
    ]
    right = sum(value in asked[line] for line, value in replies)
    pairs = list(itertools.pairwise(requests))
    falls = sum(after < before for before, after in pairs)
    odd = _FALLS * falls / len(pairs) if pairs else 0.0
    odd += _ODD * (1 - len(set(requests)) / len(requests)) if requests else 0.0
    steps = sorted(abs(after - before) for before, after in pairs if after != before)
    if steps:
        odd += _STRIDE * math.log(steps[len(steps) // 2], 256)
    told = f"{len(set(requests))} numbers in {len(requests)} requests"
    if pairs:
        told += f", rising in {len(pairs) - falls} of {len(pairs)} steps"
    told += f"; {right} of {len(replies)} replies repeat one of their requests"
    return Judged(len(replies) - right, len(replies), odd, told)


def _status(rows: Sequence[Row], values: Values) -> Judged:
    wrong, errors = 0, 0
    for row, value in zip(rows, values, strict=True):
        if row.is_twin:
            continue
        if row.is_request:
            wrong += value != 0
        elif row.data.error is not None:
            wrong += (value == Status.APPLICATION_ERROR) != (row.data.error != 0)
            errors += row.data.error != 0
        else:
            wrong += value not in (_STATUSES if row.data.size else _BARE)
    replies = [value for row, value in zip(rows, values, strict=True) if not row.is_request]
    told = f"0 in requests; in replies {_told(replies)}"
    if errors:
        told += "; 100 where ERROR is not 0"
    return Judged(wrong, len(rows), 0.0, told)


def _transaction(rows: Sequence[Row], values: Values) -> Judged:
    wrong = sum(value > Transaction.LOGOFF for value in values)
    return Judged(wrong, len(rows), 0.0, f"seen: {_told(values)}")


_SENT = {
    True: {Operation.OPEN, Operation.CANCEL, Operation.RESUME},
    False: {Operation.DATA, Operation.END, Operation.CANCELLED},
}
_OPERATION_OF = {3: Operation.DATA, 4: Operation.END, 5: Operation.CANCELLED, 100: Operation.END}


def _operation(rows: Sequence[Row], values: Values) -> Judged:
    wrong = 0
    for row, value in zip(rows, values, strict=True):
        wrong += value not in _SENT[row.is_request]
        if not row.is_request and row.status in _OPERATION_OF:
            wrong += value != _OPERATION_OF[Status(row.status)]
    return Judged(wrong, len(rows), 0.0, f"seen: {_told(values)}")


def _transfer(rows: Sequence[Row], values: Values) -> Judged:
    """0 where a transfer is opened, and then the same in all its frames."""
    wrong = 0
    last: dict[int, int] = {}
    for row, value in zip(rows, values, strict=True):
        if row.is_request:
            wrong += row.data.is_message and value != 0
        elif row.status != Status.APPLICATION_ERROR:
            wrong += value == 0 or last.setdefault(row.line, value) != value
            if row.status != Status.BULK:
                last.pop(row.line, None)
    return Judged(wrong, len(rows), 0.0, f"seen: {_told(values)}")


def _offset(rows: Sequence[Row], values: Values) -> Judged:
    """Each data frame begins where the one before ended, and so does the end."""
    wrong, steps = 0, 0
    due: dict[int, int] = {}
    for row, value in zip(rows, values, strict=True):
        if row.is_request:
            wrong += row.data.is_message and value != 0
        elif row.status in (Status.BULK, Status.BULK_END):
            steps += row.line in due
            wrong += due.get(row.line, value) != value
            due[row.line] = value + row.data.size
            if row.status == Status.BULK_END:
                due.pop(row.line, None)
        else:
            due.pop(row.line, None)
    told = f"goes on where the frame before it ended in {steps} frames"
    return Judged(wrong, len(rows), 0.0, told)


def _total(rows: Sequence[Row], values: Values) -> Judged:
    """The same in all frames of a transfer, and no less than what was sent."""
    wrong = 0
    last: dict[int, int] = {}
    sent: defaultdict[int, int] = defaultdict(int)
    for row, value in zip(rows, values, strict=True):
        if row.is_request:
            wrong += value != 0
        elif row.status in (Status.BULK, Status.BULK_END, Status.CANCELLED):
            sent[row.line] += row.data.size if row.status == Status.BULK else 0
            wrong += last.setdefault(row.line, value) != value or value < sent[row.line]
            if row.status != Status.BULK:
                last.pop(row.line, None)
                sent.pop(row.line, None)
    return Judged(wrong, len(rows), 0.0, f"the same in all frames of a transfer: {_told(values)}")


_INTEGERS: dict[str, Callable[[Sequence[Row], Values], Judged]] = {
    "version": _version,
    "length": _length,
    "echo": _echo,
    "type": _type,
    "serial": _serial,
    "status": _status,
    "transaction": _transaction,
    "operation": _operation,
    "transfer": _transfer,
    "offset": _offset,
    "total": _total,
}
_MOST_TOLD = 8


def _told(values: Values) -> str:
    """Which numbers, and how often each."""
    counts = sorted(Counter(values).items())
    told = list(_pairs(counts[:_MOST_TOLD]))
    more = len(counts) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "") if told else "none"


def _pairs(counts: list[tuple[int, int]]) -> Iterator[str]:
    yield from (f"{value} ({count})" for value, count in counts)
