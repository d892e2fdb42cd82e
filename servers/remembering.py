"""Answers that follow from a message and the reference tables alone, kept until the tables change.

Whether they have changed is asked with each message, so a change that somebody has committed, in
this process or in another, is in the next answer.
"""

from __future__ import annotations

from collections.abc import Callable

from .proxy import Done

_LONGEST = 1024
_MOST_OCTETS = 8 * 1024 * 1024
"""Of messages and answers; beyond, all are forgotten, since a peer chooses the messages."""


class RememberedAnswers:
    """Door and message to what was answered under the present version of the tables."""

    def __init__(self, ask_version: Callable[[], int | None]) -> None:
        self._ask_version = ask_version
        self._answers: dict[tuple[str, bytes], Done] = {}
        self._octets = 0
        self.version: int | None = None
        """That of the tables when `recall` was last called; None if nobody can tell."""

    def recall(self, door: str, message: bytes) -> Done | None:
        """The answer to an equal message, if the tables are as they were then."""
        version = self._ask_version()
        if version != self.version:
            self._forget()
            self.version = version
        return self._answers.get((door, message))

    def keep(self, door: str, message: bytes, version: int | None, done: Done) -> None:
        """Keep an answer for which `version` was the tables' before it was worked out.

        If they have changed since, it may be of either version, and is not kept.
        """
        if version is None or version != self._ask_version() or version != self.version:
            return
        size = len(message) + len(done.octets)
        if len(message) > _LONGEST or size > _MOST_OCTETS:
            return
        if self._octets + size > _MOST_OCTETS:
            self._forget()
        self._answers[door, message] = done
        self._octets += size

    def _forget(self) -> None:
        self._answers.clear()
        self._octets = 0
