"""The ids of reports and of Inbox items that the traffic has shown."""

from __future__ import annotations

from .moments import Answered, Moment
from .remembered import Remembered
from .talk import Talk


class Stored:
    """Learnt from acknowledgements."""

    def __init__(self) -> None:
        self.reports: Remembered[str, str] = Remembered(100_000)
        """User report ids that were given, and where."""
        self.last_item: tuple[int, int] | None = None
        """The highest Inbox id that was given, and when, microseconds."""

    @staticmethod
    def new_report(talk: Talk) -> str | None:
        """The id that a message has just given to a report."""
        spec = talk.expected.spec
        if spec is None or (spec.acronym, talk.acronym) not in (("ARD", "ARDA"), ("CRD", "CRDA")):
            return None
        return talk.value("USERRPTID") or None

    @staticmethod
    def new_item(talk: Talk) -> int | None:
        """The id that a message has just given to an item."""
        told = talk.value("INBOXID")
        is_new = talk.acronym == "Z" and talk.value("REQ") == "A" and not talk.code
        return int(told) if is_new and told.isdigit() else None

    def learn(self, moment: Moment) -> None:
        if not isinstance(moment, Answered) or moment.talk is None or moment.talk.code:
            return
        report = self.new_report(moment.talk)
        if report is not None and report not in self.reports:
            self.reports[report] = f"{moment.where.file}:{moment.where.line}"
        item = self.new_item(moment.talk)
        if item is not None and (self.last_item is None or item > self.last_item[0]):
            self.last_item = (item, moment.where.at)
