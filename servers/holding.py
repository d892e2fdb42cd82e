"""What is held for peers."""

from __future__ import annotations


class Holding:
    """The octets that are held for peers, unfinished requests and unread replies, and a limit."""

    __slots__ = ("most", "octets")

    def __init__(self, most: int) -> None:
        self.most = most
        self.octets = 0

    @property
    def is_over(self) -> bool:
        return self.octets > self.most
