"""What a message and its answer say to each other, worked out once for all judges of messages.

What a request must be answered is derived from the very validation that servers may use
(`protocol/validation`), so no table is told twice. Facts that no message says (the template of an
ARD belongs to a server, say) are not known here: a message whose table asks for one is *unsure*,
and its code is only held to what such a message may get at all.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from starwire.grammar import Limits, Message, MetadataError, parse
from starwire.protocol.catalogue import Catalogue, FamilySpec, MessageSpec
from starwire.protocol.frames import NEED_DATA
from starwire.protocol.native import NativeReader
from starwire.protocol.validation import Refusal, Request, validate

LONGEST = 65_536
"""Octets of a message that is judged: longer ones (a list of a thousand items) would take longer
to read than to answer."""


class Expected(Struct, frozen=True):
    """What the validation says of a request."""

    refusal: Refusal | None
    request: Request | None
    sure: bool
    """Whether no fact was asked for that is not known here."""

    @property
    def spec(self) -> MessageSpec | None:
        """The table of a request that is known at its door."""
        return None if self.request is None else self.request.spec


class Talk(Struct, frozen=True):
    """A request message, the answer to it, and what the answer has to be."""

    door: str
    family: FamilySpec
    question: bytes
    answer: bytes
    """The message; `file` is what stood behind it, None where nothing may."""
    file: bytes | None
    expected: Expected
    message: Message | None
    """The answer, parsed; None if it is no message."""
    code: int | None
    """Its ERROR; 0 for an answer without acronym, which has none (CAT-08)."""
    status: int
    """Of the frame; -1 at a native port."""

    @property
    def list(self) -> str:
        """The list of Appendix E that holds here: RM or INBOX (ERR-01)."""
        return "INBOX" if self.family.names_request else "RM"

    @property
    def acronym(self) -> str:
        return "" if self.message is None else self.message.acronym

    def value(self, name: str) -> str:
        """A parameter of the answer; "" for none."""
        field = None if self.message is None else self.message.fields().get(name)
        return "" if field is None else field.value.scalar

    def asked(self, name: str) -> str:
        """A parameter of the request, if that passed the validation; "" for none."""
        request = self.expected.request
        return "" if request is None else request.scalar(name)


class Reader:
    """Makes talks; equal questions are validated once."""

    def __init__(self, catalogue: Catalogue, limits: Limits, entpid_length: int) -> None:
        self.catalogue = catalogue
        self._limits = limits
        self._entpid_length = entpid_length
        self._expected = lru_cache(1024)(self._validated)
        self._refusals = lru_cache(256)(self._refused)

    def expected(self, question: bytes, door: str) -> Expected:
        """What a request must get."""
        if len(question) > 2048:
            return self._validated(question, door)
        return self._expected(question, door)

    def _validated(self, question: bytes, door: str) -> Expected:
        asked: list[bool] = []

        def facts(_: object) -> dict[str, str]:
            asked.append(True)
            return {}

        try:
            request = validate(
                question,
                door,
                catalogue=self.catalogue,
                limits=self._limits,
                entpid_length=self._entpid_length,
                facts=facts,
            )
        except Refusal as refusal:
            return Expected(refusal, None, not asked)
        return Expected(None, request, not asked)

    def talk(
        self, door: str, question: bytes, answer: bytes, status: int, file: bytes | None = None
    ) -> Talk | None:
        """None for what is too long."""
        message = octets = None
        if status >= 0 and answer.startswith(b"Z<"):
            octets, file = self._split(answer)
        answer = answer if octets is None else octets
        if len(question) > LONGEST or len(answer) > LONGEST:
            return None
        try:
            message = parse(answer, self._limits)
        except MetadataError:
            message = None
        return Talk(
            door=door,
            family=self.catalogue.family(door),
            question=question,
            answer=answer,
            file=file or None,
            expected=self.expected(question, door),
            message=message,
            code=_code(message),
            status=status,
        )

    def answer_refusal(self, answer: bytes, door: str) -> Refusal | None:
        """What is wrong with an answer, as a client may judge it; None for nothing."""
        return self._refusals(answer, door)

    def _refused(self, answer: bytes, door: str) -> Refusal | None:
        try:
            validate(
                answer,
                door,
                catalogue=self.catalogue,
                limits=self._limits,
                entpid_length=self._entpid_length,
                direction="response",
            )
        except Refusal as refusal:
            return refusal
        return None

    def _split(self, octets: bytes) -> tuple[bytes, bytes]:
        """A message and what stands behind its last bracket: the file of an F (CAT-06)."""
        reader = NativeReader(self._limits)
        reader.feed(octets)
        try:
            message = reader.next_message()
        except MetadataError:
            return octets, b""
        if message is NEED_DATA:
            return octets, b""
        return message, octets[octets.index(message) + len(message) :]


def _code(message: Message | None) -> int | None:
    if message is None:
        return None
    field = message.fields().get("ERROR")
    if field is None:
        return 0 if not message.acronym else None
    told = field.value.scalar
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None
