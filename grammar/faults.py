"""What can be wrong with a message, and where (SYN-10)."""

from enum import Enum


class Fault(Enum):
    """The three verdicts on octets that are no message. The codes belong to whoever answers."""

    LIMIT = "limit"
    """Passes a limit: the Report Manager's 6102."""
    UNBALANCED = "unbalanced"
    """A `>` closes nothing, or a group is open at the end: 6612."""
    MALFORMED = "malformed"
    """Anything else that the grammar refuses: 6611."""


class MetadataError(ValueError):
    """Octets that are no message, with the fault, its place and the reason.

    `offset` is that of the first octet that the grammar cannot take or that passes the limit; at a
    premature end it is the length of the input.
    """

    def __init__(self, fault: Fault, offset: int, reason: str, text: str = "") -> None:
        super().__init__(f"octet {offset}: {reason}")
        self.fault = fault
        self.offset = offset
        self.reason = reason
        self._text = text

    def explain(self) -> str:
        """What the grammar expected at the offset, by the Lark parser; else the reason.

        Costs a Lark parse of up to 64 KiB, so it is asked for where a person reads the answer.
        """
        if self.fault is Fault.LIMIT:
            return self.reason
        from .definition import expected_at_fault

        return expected_at_fault(self._text) or self.reason


def is_unbalanced(text: str) -> bool:
    """Whether, read from the left, a `>` anywhere closes nothing or the end leaves a group open."""
    if text.count("<") != text.count(">"):
        return True
    depth = last = 0
    opening = text.find("<")
    while opening >= 0:
        depth -= text.count(">", last, opening)
        if depth < 0:
            return True
        depth += 1
        last = opening
        opening = text.find("<", last + 1)
    return False


def refused(text: str, offset: int, reason: str) -> MetadataError:
    """The error for octets that the grammar cannot take at `offset`."""
    fault = Fault.UNBALANCED if is_unbalanced(text) else Fault.MALFORMED
    return MetadataError(fault, offset, reason, text)
