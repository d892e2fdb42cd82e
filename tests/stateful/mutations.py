"""Servers with one thing wrong each, which the machines must find."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from msgspec import structs
from sqlalchemy import select, update

from starwire.servers import adapter, bulk, deferral, jar, proxy, serials, sources, transfers
from starwire.servers.customer import Customer
from starwire.servers.dispatcher import Dispatcher
from starwire.servers.memory.database import QueuedDatabase

MUTATIONS: dict[str, tuple[Callable[[], Any], str]] = {}
"""By name: the context in which it is there, and a pattern of what is found."""


def mutation(found: str) -> Callable[[Callable[[], Iterator[None]]], None]:
    """Note one; `found` is what the machines must say of it."""

    def note(act: Callable[[], Iterator[None]]) -> None:
        MUTATIONS[act.__name__.replace("_", " ")] = (contextmanager(act), found)

    return note


@mutation(r"<Poll .*>: (0|2|100) b'")
def a_poll_gives_its_result_to_anybody() -> Iterator[None]:
    right = deferral.Deferral.poll

    async def poll(self: Any, data: bytes, customer: Customer) -> Any:
        whose = select(deferral._TABLE).where(deferral._TABLE.c.id == int(data))
        row = await self._database.read(lambda c: c.execute(whose).one_or_none())
        customer = Customer(row.userid, row.entpid) if row is not None else customer
        return await right(self, data, customer)

    with mock.patch.object(deferral.Deferral, "poll", poll):
        yield


@mutation(r"an equal frame had|listed twice|has ids|is that of")
def an_equal_frame_is_another_request() -> Iterator[None]:
    right, count = deferral._accept, iter(range(10**6))

    def accept(connection: Any, frame: str, row: Any, now: float) -> Any:
        return right(connection, f"{frame}{next(count)}", row, now)

    with mock.patch.object(deferral, "_accept", accept):
        yield


@mutation(r"listed twice|had the result|has ids|twice|is not found|is that of|is listed")
def what_was_done_is_done_again_after_a_restart() -> Iterator[None]:
    table, right = deferral._TABLE, deferral._finish

    def waiting(connection: Any, door: str, before: float) -> Any:
        rows = connection.execute(select(table).where(table.c.door == door).order_by(table.c.id))
        return [deferral._waiting(row) for row in rows]

    def finish(connection: Any, number: int, work: Any, now: float) -> bool:
        undone = update(table).where(table.c.id == number).values(finished=None)
        connection.execute(undone)
        return right(connection, number, work, now)

    with (
        mock.patch.object(deferral, "_list_waiting", waiting),
        mock.patch.object(deferral, "_finish", finish),
    ):
        yield


@mutation(r"still in progress")
def what_was_accepted_is_forgotten_by_a_restart() -> Iterator[None]:
    with mock.patch.object(deferral, "_list_waiting", return_value=[]):
        yield


@mutation(r"status 106 while all was well|answers nothing of")
def a_reply_has_the_serial_of_another() -> Iterator[None]:
    right, last = proxy.reply_frame, [0]

    def reply(codec: Any, request: Any, *arguments: Any) -> bytes:
        last[0], other = request.serial, last[0]
        wrong = structs.replace(request, serial=other) if request.serial % 5 == 0 else request
        return right(codec, wrong, *arguments)

    with mock.patch.object(proxy, "reply_frame", reply):
        yield


@mutation(r"<\w+ \d+ at .*\('")
def a_reply_overtakes_another_where_nothing_tells_them_apart() -> Iterator[None]:
    right = adapter.AnsweringFactory.__init__

    def init(self: Any, name: str, *arguments: Any, **options: Any) -> None:
        if name == "dispatcher":
            options["shares"] = lambda request: True
        right(self, name, *arguments, **options)

    with mock.patch.object(adapter.AnsweringFactory, "__init__", init):
        yield


@mutation(r"wrong octets at")
def a_resume_begins_an_octet_early() -> Iterator[None]:
    right = sources.Blocks.__init__

    def init(self: Any, open_source: Any, total: int, offset: int, **options: Any) -> None:
        right(self, open_source, total, offset, **options)
        self._offset = max(0, offset - 1)
        self._total = total - (offset > 0)

    with mock.patch.object(sources.Blocks, "__init__", init):
        yield


@mutation(r"the digest is not that")
def the_digest_is_of_what_was_resumed_and_not_of_the_whole() -> Iterator[None]:
    right = sources.Blocks.__init__

    def init(self: Any, open_source: Any, total: int, offset: int, **options: Any) -> None:
        right(self, open_source, total, offset, **(options | {"digest": None}))
        self._hashed = offset
        self._hash = hashlib.sha256()

    with mock.patch.object(sources.Blocks, "__init__", init):
        yield


@mutation(r"goes on to")
def a_cancelled_run_goes_on() -> Iterator[None]:
    with mock.patch.object(bulk.Run, "cancel"):
        yield


@mutation(r", not 108")
def a_transfer_is_anybody_s() -> Iterator[None]:
    with mock.patch.object(transfers, "_is_for", return_value=True):
        yield


@mutation(r"108 b|another.s identifier|is not listed|is that of|logged as a bug")
def a_change_is_acknowledged_before_it_is_durable() -> Iterator[None]:
    async def write(self: Any, work: Any) -> Any:
        def tried() -> Any:
            with self.store.write() as connection:
                nested = connection.begin_nested()
                outcome = work(connection)
                nested.rollback()
                return outcome

        outcome = await self._host.ask("writes", tried)
        self._ask("writes", self.store.write, work).addErrback(lambda failure: None)
        return outcome

    with mock.patch.object(QueuedDatabase, "write", write):
        yield


@mutation(r"listed twice|is found|not found")
def a_change_that_may_have_arrived_is_sent_to_the_next_instance() -> Iterator[None]:
    with mock.patch.object(Dispatcher, "_may_repeat", return_value=True):
        yield


@mutation(r"was given twice")
def serials_begin_anew_with_each_start() -> Iterator[None]:
    def lease(connection: Any, count: int, ceiling: int) -> range:
        return range(1, count)

    with mock.patch.object(serials, "lease_serials", lease):
        yield


@mutation(r"105")
def a_session_is_forgotten_by_a_restart() -> Iterator[None]:
    with mock.patch.object(jar, "all_sessions", return_value=(0, [])):
        yield
