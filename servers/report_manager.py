"""The Report Manager and the Scheduler's part of it, as doors rm, rs and rm-native know them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from starwire.grammar import Limits
from starwire.protocol.catalogue import Catalogue, Reading
from starwire.protocol.validation import Request

from . import definitions, fulfilment, metadata, pick_lists, report_lists
from .backend import BackEndAnswer, Outcome, Reception, Refused
from .customer import Customer
from .files import FileRoot
from .reference import Reference, load_reference
from .report_work import Work
from .store import reference_version

NO_VALID_REQUEST = 6104
FULFILLING_SERVERS = frozenset({"ODS", "TVS"})

_ACTS: Mapping[str, Callable[[Work], Outcome]] = {
    "GRTL": report_lists.list_templates,
    "GRTD": report_lists.show_template,
    "GURL": report_lists.list_user_reports,
    "GURD": report_lists.show_user_report,
    "GPL": pick_lists.list_choices,
    "ARD": definitions.add_definition,
    "DRD": definitions.delete_definition,
    "CRD": definitions.copy_definition,
    "URS": definitions.set_active,
    "ARDA": fulfilment.take_acknowledgment,
    "NRL": fulfilment.take_notification,
    "METADATA": metadata.get_metadata,
}
_OF_SERVERS = frozenset({"ARD", "ARDA", "NRL"})
"""What is asked of a fulfilling server, and what one says."""


class ReportManager:
    """Keeps the report definitions and answers for them."""

    doors = ("rm", "rs", "rm-native")
    of_reference = frozenset({"GRTL", "GRTD"})
    slow: frozenset[str] = frozenset()

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        limits: Limits,
        entpid_length: int,
        clock: Callable[[], float],
        files: FileRoot,
        fulserver: bool = False,
        servers: Collection[str] = FULFILLING_SERVERS,
        load: Callable[[Connection], Reference] = load_reference,
        server_code: Callable[[], int] | None = None,
    ) -> None:
        """`server_code` gives the code of what the fulfilling server of a message does wrong."""
        self._reception = Reception(catalogue, limits, entpid_length)
        self._clock = clock
        self._files = files
        self._fulserver = "on" if fulserver else "off"
        self._servers = frozenset(servers)
        self._server_code = server_code
        self._load = load
        self._reference: tuple[int, Reference] | None = None
        self._of_transaction: WeakKeyDictionary[Connection, Reference] = WeakKeyDictionary()

    def answer(
        self, connection: Connection, octets: bytes, door: str, customer: Customer | None
    ) -> BackEndAnswer:
        """See `backend.BackEnd`."""

        def facts(reading: Reading) -> Mapping[str, str]:
            return self._facts(self._known(connection), reading)

        return self._reception.answer(connection, octets, door, customer, self._act, facts)

    def _act(self, connection: Connection, request: Request, customer: Customer | None) -> Outcome:
        work = Work(
            connection=connection,
            request=request,
            customer=customer,
            now=self._clock(),
            reference=self._known(connection),
            files=self._files,
            servers=self._servers,
        )
        act = _ACTS.get(request.spec.acronym)
        if act is None:  # a message that only a profile's overlay knows (HDR-10)
            raise Refused(NO_VALID_REQUEST)
        if self._server_code is not None and request.spec.acronym in _OF_SERVERS:
            code = self._server_code()
            if code:
                raise Refused(code)
        return act(work)

    def _known(self, connection: Connection) -> Reference:
        """The reference data as of a transaction, which has a Connection of its own."""
        known = self._of_transaction.get(connection)
        if known is None:
            version = reference_version(connection)
            if self._reference is None or self._reference[0] != version:
                self._reference = version, self._load(connection)
            known = self._of_transaction[connection] = self._reference[1]
        return known

    def _facts(self, reference: Reference, reading: Reading) -> Mapping[str, str]:
        """What conditions of the tables ask about the template that a message names."""
        facts = {"fulserver": self._fulserver, "timezones": " ".join(reference.time_zones)}
        number = reading.scalar("STDRPTID")
        # An id that has the wrong form is step 6's to refuse.
        is_id = number.isascii() and number.isdigit() and len(number) <= 10
        template = reference.templates.get(int(number)) if is_id else None
        if template is not None:
            facts["server"] = template.server
            facts["datacat"] = template.datacat
            facts["description"] = "no" if template.description is None else "yes"
            direction = template.products.get(reading.scalar("PRODUCT"))
            if direction is not None:
                facts["io"] = direction
        return facts
