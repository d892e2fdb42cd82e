"""The lossless tree of a message, built as far as somebody looks (SYN-04, SYN-05, SYN-07).

A Message has one outer Group. A Group's members are Values by place, then Fields by key; a Value
is text, groups, or both, exactly as sent. Every node knows its offset in the message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from re import compile as pattern

from .scanner import Piece, cut
from .text import fold, strip

_EMPTY = pattern("[ \t\r\n]*(<[ \t\r\n]*>[ \t\r\n]*)?")
_MAY_BE_EMPTY = " \t\r\n<"
"""What an empty value may begin with."""
_NO_NAMES: Collection[str] = frozenset()


class Value:
    """What stands behind a key, or in a place of a group."""

    __slots__ = ("_pieces", "_source", "end", "offset")

    def __init__(self, source: str, offset: int, end: int, pieces: list[Piece]) -> None:
        self._source = source
        self._pieces = pieces
        self.offset = offset
        self.end = end

    @property
    def text(self) -> str:
        """The whole value as sent, separators and groups included."""
        return self._source[self.offset : self.end]

    @property
    def scalar(self) -> str:
        """The text before the first group (all of it where there is none), stripped."""
        first = self._source.find("<", self.offset, self.end)
        return strip(self._source[self.offset : self.end if first < 0 else first])

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group of the value, in order."""
        return tuple(piece[2] for piece in self._pieces if isinstance(piece[2], Group))

    @property
    def heads(self) -> tuple[str, ...]:
        """The text right before each group, stripped: `INBOUND<..>INBOUND<..>` has two."""
        return tuple(strip(piece[1]) for piece in self._pieces if piece[2])

    @property
    def is_empty(self) -> bool:
        """SYN-13: nothing is left after stripping, or it is `<>` or a group of blanks."""
        if self.offset < self.end and self._source[self.offset] not in _MAY_BE_EMPTY:
            return False
        return _EMPTY.fullmatch(self._source, self.offset, self.end) is not None

    def members(self) -> list[str]:
        """The members of a list, bare or in one group (SYN-13), stripped.

        They are divided by `~`, `,` or 0x01; empty ones at the end count for nothing. A group that
        is a member stays whole, as text.
        """
        members = _members(self._pieces)
        groups = self.groups
        if len(groups) == 1 and members == [groups[0].text]:
            return _members(groups[0].pieces)
        return members

    def __repr__(self) -> str:
        return f"Value({self.text!r})"


class Field:
    """A key and its value. `key` is as sent, without the `=`; `name` is how it compares."""

    __slots__ = ("_end", "_pieces", "_source", "_start", "key", "name", "offset")

    def __init__(
        self, source: str, key: str, offset: int, start: int, end: int, pieces: list[Piece]
    ) -> None:
        self._source = source
        self._start = start
        self._end = end
        self._pieces = pieces
        self.key = key
        self.name = fold(key)
        self.offset = offset

    @property
    def value(self) -> Value:
        """What stands behind the `=`, with all slots that continue it."""
        (key, text, group, separator), *others = self._pieces
        # A slot that is a field without "=" (SYN-05) has its name where others have text.
        first = ("", text if key else "", group, separator)
        return Value(self._source, self._start, self._end, [first, *others])

    def __repr__(self) -> str:
        return f"Field({self.key!r}, {self.value.text!r})"


class Fields:
    """The fields of a level in the order sent; a name may stand more than once."""

    __slots__ = ("_by_name", "_fields", "leading")

    def __init__(self, fields: list[Field], leading: Value | None) -> None:
        self._fields = fields
        self._by_name: dict[str, list[Field]] = {}
        by_name = self._by_name
        for field in fields:
            if field.name in by_name:
                by_name[field.name].append(field)
            else:
                by_name[field.name] = [field]
        self.leading = leading
        """What stands before the first key; None for nothing, or blanks alone in the level."""

    def get(self, name: str) -> Field | None:
        """The first field of that folded name."""
        found = self._by_name.get(name)
        return found[0] if found else None

    def getall(self, name: str) -> list[Field]:
        """Every field of that folded name, in order."""
        return self._by_name.get(name, [])

    def names(self) -> Collection[str]:
        """The folded names, each once, in the order of their first place."""
        return self._by_name.keys()

    def __getitem__(self, name: str) -> Field:
        return self._by_name[fold(name)][0]

    def __contains__(self, name: str) -> bool:
        return fold(name) in self._by_name

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Fields({', '.join(field.name for field in self._fields)})"


class Group:
    """One bracketed group, from its `<` to its `>`."""

    __slots__ = ("_close", "_pieces", "_source", "end", "offset")

    def __init__(
        self,
        source: str,
        offset: int,
        end: int,
        *,
        close: dict[int, int] | None = None,
        pieces: list[Piece] | None = None,
    ) -> None:
        self._source = source
        self._close = close
        self._pieces = pieces
        self.offset = offset
        self.end = end

    @property
    def text(self) -> str:
        """The group as sent, brackets included."""
        return self._source[self.offset : self.end]

    @property
    def pieces(self) -> list[Piece]:
        """The syntax of the level, lossless (see `scanner`)."""
        if self._pieces is None:
            self._pieces = self._cut()
        return self._pieces

    def _cut(self) -> list[Piece]:
        source, close = self._source, self._close or {}
        position, end = self.offset + 1, self.end - 1
        pieces: list[Piece] = []
        while (opening := source.find("<", position, end)) >= 0:
            pieces += cut(source, position, opening)
            position = close[opening] + 1
            key, text, _, _ = pieces[-1]
            pieces[-1] = (key, text, Group(source, opening, position, close=close), "")
        pieces += cut(source, position, end)
        return pieces

    @property
    def positional(self) -> tuple[Value, ...]:
        """The members before the first key, one for each slot; empty ones at the end dropped."""
        values: list[Value] = []
        start, offset = 0, self.offset + 1
        position = offset
        for index, (key, text, group, separator) in enumerate(self.pieces):
            if key:
                if index > start:
                    values.append(Value(self._source, offset, position, self.pieces[start:index]))
                break
            position += len(text) + _length(group)
            if separator or not group:
                values.append(Value(self._source, offset, position, self.pieces[start : index + 1]))
                position += len(separator)
                start, offset = index + 1, position
        while values and values[-1].is_empty and not values[-1].groups:
            values.pop()
        return tuple(values)

    @property
    def fields(self) -> Fields:
        """The keyed members; a slot without key continues the one before it (SYN-05).

        Empty slots at the end of a group count for nothing, so the last value ends before them.
        """
        return self.read(ends_open=False)

    def read(
        self,
        bare: Collection[str] = _NO_NAMES,
        grouped: Collection[str] = _NO_NAMES,
        *,
        ends_open: bool = True,
    ) -> Fields:
        """The fields, where a slot without key may itself be one.

        `bare` are folded names that a slot alone may be (`PL_ACCESS`); `grouped` are those that may
        have their group right behind them (`COLUMNS<44,36>`). Directly under a message the last
        value `ends_open`: empty slots continue it (`PRODUCT=V,` has the value `V,`).
        """
        source, pieces = self._source, self.pieces
        fields: list[Field] = []
        leading: Value | None = None
        key: str | None = None
        first = key_at = 0
        start = end = position = self.offset + 1
        slot_start = True
        for index, (named, text, group, separator) in enumerate(pieces):
            width = len(named)
            if slot_start and not named and (grouped if group else bare):
                width = len(text) if fold(text) in (grouped if group else bare) else 0
            if width:
                if key is not None:
                    fields.append(Field(source, key, key_at, start, end, pieces[first:index]))
                elif position > start:
                    leading = Value(source, start, end, pieces[first:index])
                key = named[:-1] or text
                key_at, first = position, index
                start = position + width
            if group:
                end = position = group.end  # type: ignore[union-attr]
            else:
                end = position + len(named) + len(text)
                position = end + len(separator)
            slot_start = bool(separator)
        if key is not None:
            last = pieces[first:]
            if not ends_open:
                end -= _drop_empty_slots(last)
            fields.append(Field(source, key, key_at, start, end, last))
        elif len(pieces) > 1 or strip(pieces[0][1]):
            leading = Value(source, start, end, pieces)
        return Fields(fields, leading)

    def __getitem__(self, key: str) -> Field:
        return self.fields[key]

    def __repr__(self) -> str:
        return f"Group({self.text!r})"


class Message:
    """A whole message: an optional name, one group, and what is tolerated behind it (SYN-01)."""

    __slots__ = ("_fields", "body", "name", "tail", "text")

    def __init__(self, text: str, name: str | None, body: Group, tail: str) -> None:
        self.text = text
        self.name = name
        """The acronym as sent, blanks included; None if nothing stands before the `<`."""
        self.body = body
        self.tail = tail
        """What stands behind the group (SYN-09)."""
        self._fields: Fields | None = None

    @property
    def acronym(self) -> str:
        """The acronym as it compares: exactly, after stripping (SYN-06); "" for none."""
        return strip(self.name) if self.name else ""

    @property
    def octets(self) -> bytes:
        """The message as it was received."""
        return self.text.encode("latin-1")

    def fields(
        self, bare: Collection[str] = _NO_NAMES, grouped: Collection[str] = _NO_NAMES
    ) -> Fields:
        """The fields directly under the message (SYN-05); see `Group.read`."""
        if bare or grouped:
            return self.body.read(bare, grouped)
        if self._fields is None:
            self._fields = self.body.read()
        return self._fields

    def __getitem__(self, key: str) -> Field:
        return self.fields()[key]

    def __contains__(self, key: str) -> bool:
        return key in self.fields()

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields())

    def render(self) -> bytes:
        """The message put together from its tree: the octets that were parsed (SYN-07)."""
        parts = [self.name or "", "<"]
        levels = [iter(self.body.pieces)]
        while levels:
            for key, text, inner, separator in levels[-1]:
                parts += (key, text, separator)
                if isinstance(inner, Group):
                    parts.append("<")
                    levels.append(iter(inner.pieces))
                    break
            else:
                parts.append(">")
                levels.pop()
        parts.append(self.tail)
        return "".join(parts).encode("latin-1")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Message({self.text!r})"


def _drop_empty_slots(pieces: list[Piece]) -> int:
    """Take the empty slots off the end of a value; gives the octets that they took up."""
    dropped = 0
    while len(pieces) > 1 and pieces[-2][3] and not strip(pieces[-1][1]):
        if pieces[-1][2]:
            break
        dropped += len(pieces.pop()[1]) + 1
        key, text, group, _ = pieces[-1]
        pieces[-1] = (key, text, group, "")
    return dropped


def _length(group: Group | str) -> int:
    return group.end - group.offset if isinstance(group, Group) else 0


def _members(pieces: list[Piece]) -> list[str]:
    members: list[str] = []
    parts: list[str] = []
    for key, text, group, separator in pieces:
        first, *others = (key + text).split("~")
        parts.append(first)
        for other in others:
            members.append(strip("".join(parts)))
            parts = [other]
        if isinstance(group, Group):
            parts.append(group.text)
        if separator:
            members.append(strip("".join(parts)))
            parts = []
    members.append(strip("".join(parts)))
    while members and not members[-1]:
        members.pop()
    return members
