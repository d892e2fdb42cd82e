"""Bulk transfers at a proxy: kept, resumed and cancelled by their user, whoever runs them."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Immediate, at_once
from twisted.internet.defer import execute

from starwire.protocol.bulk import Cancel, Open, Resume, request_data
from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import BulkHeader, CommonHeader
from starwire.protocol.profile import Profile, shipped
from starwire.servers import bulk as bulk_module
from starwire.servers.backend import BackEndAnswer
from starwire.servers.bulk import Bulk, Run
from starwire.servers.customer import Customer
from starwire.servers.proxy import Done
from starwire.servers.sources import MadeSources
from starwire.servers.store import Store
from starwire.servers.transfers import KEPT_SECONDS, Transfers

KEY = "0123456789abcdef"
JEAN = Customer("jeanvnet2", "00022924")
SERIAL = 4711
FETCH = b"F<INBOXID=1>"
NO_FILE = b"Z<REQ=F,ERROR=5104>"
FILE = bytes(range(256)) * 1000


class Broken(Immediate):
    """A store that may be out of reach."""

    is_broken = False

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return await self._fail() if self.is_broken else await super().read(work)

    async def write(self, work: Callable[[Any], Any]) -> Any:
        return await self._fail() if self.is_broken else await super().write(work)

    async def _fail(self) -> Any:
        from sqlalchemy.exc import OperationalError

        raise OperationalError("", {}, Exception("down"))


class Instance:
    """A proxy's bulk desk on a store; two on one store are two instances."""

    def __init__(self, store: Store, profile: Profile, folder: Path) -> None:
        self.profile = profile
        self.database = Broken(store)
        self.now = 1000.0
        self.path = folder / "report.csv"
        self.path.write_bytes(FILE)
        self.response: BackEndAnswer | None = None
        self.done: list[bytes] = []
        self.told: list[dict[str, Any]] = []
        self.bulk = self.desk()

    def desk(self, greatest: int = 2**63, **options: Any) -> Bulk:
        transfers = Transfers(self.database, lambda: self.now, greatest)  # type: ignore[arg-type]
        return Bulk(self.profile, self, transfers, lambda: self.now, in_thread=execute, **options)

    async def answer_and_keep(self, octets: bytes, door: str, customer: Any, keep: Any) -> Any:
        self.done.append(octets)
        answer = self.response or BackEndAnswer(0, b"Z<>", str(self.path), len(FILE))
        return await self.database.write(lambda connection: keep(connection, answer))

    def without_file(self, octets: bytes, door: str) -> Done:
        return Done(5104, NO_FILE)

    def header(self, serial: int = SERIAL) -> CommonHeader:
        return CommonHeader(1, session_key=KEY, type=3, serial=serial)

    def ask(
        self, asked: Any, customer: Customer = JEAN, door: str = "inbox", serial: int = SERIAL
    ) -> Any:
        data = asked if isinstance(asked, bytes) else self.data(asked)
        tell = self.told.append
        return at_once(self.bulk.answer(self.header(serial), data, door, customer, tell))

    def data(self, asked: Any) -> bytes:
        return request_data(self.profile.wire.bulk, asked)

    def open(self, message: bytes = FETCH) -> Run:
        run = self.ask(Open(message))
        assert isinstance(run, Run)
        return run

    def read(self, octets: bytes) -> Frame[CommonHeader]:
        reader: FrameReader[CommonHeader] = FrameReader(self.profile.wire.common, self.profile)
        reader.feed(octets)
        frame = reader.next_frame()
        assert frame is not NEED_DATA
        return frame

    def next(self, run: Run) -> tuple[int, BulkHeader, bytes]:
        """Status, bulk header and payload of the next frame."""
        return self.parts(at_once(run.next()))

    def parts(self, octets: bytes) -> tuple[int, BulkHeader, bytes]:
        frame = self.read(octets)
        assert (frame.header.serial, frame.header.session_key) == (SERIAL, KEY)
        bulk = self.profile.wire.bulk
        return frame.header.status, bulk.decode(frame.data), frame.data[bulk.size :]

    def all_of(self, run: Run) -> tuple[bytes, tuple[int, BulkHeader, bytes]]:
        """The payload of its data frames, and the last frame."""
        payload = b""
        while (frame := self.next(run))[0] == 3:
            payload += frame[2]
        assert at_once(run.next()) == b""
        run.close()
        return payload, frame

    def status(self, octets: Any) -> int:
        assert isinstance(octets, bytes)
        frame = self.read(octets)
        assert frame.data == b""
        return frame.header.status

    def frame(self, data: bytes, **fields: Any) -> Frame[CommonHeader]:
        header = CommonHeader(1, **{"session_key": KEY, "type": 3, "serial": 8, **fields})
        return self.read(self.profile.wire.common.frame(header, data))


@pytest.fixture(params=["default", "little"])
def profile(request: pytest.FixtureRequest) -> Profile:
    return shipped(request.param)


@pytest.fixture
def here(empty_store: Store, profile: Profile, tmp_path: Path) -> Instance:
    return Instance(empty_store, profile, tmp_path)


@pytest.fixture
def there(empty_store: Store, profile: Profile, tmp_path: Path) -> Instance:
    """Another instance on the same store."""
    return Instance(empty_store, profile, tmp_path)


def test_a_file_is_sent_whole(here: Instance) -> None:
    run = here.open()
    payload, (status, header, digest) = here.all_of(run)
    assert payload == FILE
    assert (status, header) == (4, BulkHeader(2, 1, len(FILE), len(FILE)))
    assert digest == hashlib.sha256(FILE).digest()
    assert here.told == [{"status": 4, "error": 0, "transfer": 1, "sent": "256000/256000"}]
    assert here.done == [FETCH]


def test_ids_are_never_0_and_never_the_same(here: Instance, there: Instance) -> None:
    runs = [where.open() for where in (here, there, here)]
    assert [run.transfer.number for run in runs] == [1, 2, 3]
    for run in runs:
        run.close()


@pytest.mark.parametrize("offset", [0, 1, 65_536, 65_537, 255_999, 256_000])
@pytest.mark.parametrize("known", [True, False])
def test_a_transfer_is_resumed_anywhere_at_any_instance(
    here: Instance, there: Instance, offset: int, known: bool
) -> None:
    run = here.open()
    if known:
        here.all_of(run)
    else:
        here.next(run)
        run.close()
    payload, (status, header, digest) = there.all_of(there.ask(Resume(1, offset)))
    assert payload == FILE[offset:]
    assert (status, header.transfer, header.offset) == (4, 1, len(FILE))
    assert digest == hashlib.sha256(FILE).digest()
    assert there.done == []


def test_a_response_is_kept_and_nothing_is_done_twice(here: Instance, there: Instance) -> None:
    here.response = BackEndAnswer(0, b"ARDA<ERROR=0,USERRPTID=7>")
    payload, _ = here.all_of(here.open(b"ARD<>"))
    here.response = BackEndAnswer(0, b"another")
    again, (_, _, digest) = there.all_of(there.ask(Resume(1, 5)))
    assert payload == b"ARDA<ERROR=0,USERRPTID=7>"
    assert again == payload[5:]
    assert digest == hashlib.sha256(payload).digest()
    assert here.done == [b"ARD<>"]
    assert there.done == []


def test_an_empty_source_has_the_end_only(here: Instance) -> None:
    here.response = BackEndAnswer(0, b"")
    assert here.all_of(here.open()) == (
        b"",
        (4, BulkHeader(2, 1, 0, 0), hashlib.sha256(b"").digest()),
    )


def test_a_message_in_error_is_one_frame_and_no_transfer(here: Instance) -> None:
    here.response = BackEndAnswer(5100, b"Z<REQ=F,ERROR=5100>")
    assert here.parts(here.ask(Open(FETCH))) == (
        100,
        BulkHeader(2, 0, 0, 0),
        b"Z<REQ=F,ERROR=5100>",
    )
    assert here.told == [{"status": 100, "error": 5100}]
    assert here.status(here.ask(Resume(1, 0))) == 108


@pytest.mark.parametrize("change", ["gone", "shorter", "longer"])
def test_a_file_that_is_not_as_it_was_is_5104(here: Instance, change: str) -> None:
    here.all_of(here.open())
    here.path.unlink()
    if change != "gone":
        here.path.write_bytes(FILE[:-1] if change == "shorter" else FILE + b"x")
    assert here.all_of(here.ask(Resume(1, 0))) == (b"", (100, BulkHeader(2, 0, 0, 0), NO_FILE))
    assert here.told[-1]["error"] == 5104


def test_a_file_that_ends_early_while_it_is_sent_is_5104(here: Instance) -> None:
    here.path.write_bytes(bytes(1_000_000))
    here.response = BackEndAnswer(0, b"Z<>", str(here.path), 1_000_000)
    run = here.open()
    here.next(run)
    with here.path.open("r+b") as file:
        file.truncate(600_000)
    payload, last = here.all_of(run)
    assert len(payload) < 600_000
    assert last == (100, BulkHeader(2, 0, 0, 0), NO_FILE)


@pytest.mark.parametrize("asked", [Resume(1, 0), Cancel(1)])
@pytest.mark.parametrize(
    ("customer", "door", "later"),
    [
        (Customer("LynneLevy2", "10324488"), "inbox", 0.0),
        (Customer("jeanvnet2", "10324488"), "inbox", 0.0),
        (JEAN, "rm", 0.0),
        (JEAN, "inbox", KEPT_SECONDS + 1),
    ],
)
def test_nobody_else_nowhere_else_and_not_too_late(
    here: Instance, asked: Any, customer: Customer, door: str, later: float
) -> None:
    run = here.open()
    here.now += later
    assert here.status(here.ask(asked, customer, door)) == 108
    assert here.next(run)[0] == 3
    run.close()


def test_a_day_begins_with_the_end_of_the_last_run(here: Instance) -> None:
    run = here.open()
    here.now += KEPT_SECONDS / 2
    run.close()
    here.now += KEPT_SECONDS
    here.all_of(here.ask(Resume(1, 0)))
    here.now += KEPT_SECONDS
    assert here.all_of(here.ask(Resume(1, 0)))[0] == FILE


def test_what_is_too_old_is_deleted(here: Instance) -> None:
    here.open().close()
    here.now += KEPT_SECONDS + 1
    here.open().close()
    here.now -= 2
    assert here.status(here.ask(Resume(1, 0))) == 108


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (Resume(1, 256_001), 110),
        (Resume(1, 2**64 - 1), 110),
        (Resume(2, 0), 108),
        (Resume(0, 0), 108),
        (Resume(2**64 - 1, 0), 108),
        (Cancel(2), 108),
        (Cancel(0), 108),
        (Cancel(2**64 - 1), 108),
        (b"", 110),
        (b"\0" * 24, 110),
        (b"\1" + b"\0" * 24, 110),
        (b"\6" + b"\0" * 24, 110),
    ],
)
def test_knowledge_is_108_and_form_is_110(here: Instance, asked: Any, status: int) -> None:
    here.all_of(here.open())
    assert here.status(here.ask(asked)) == status
    assert here.told[-1] == {"status": status}


# ------------------------------------------------------------------------------------------- ends


def test_a_cancel_from_elsewhere_ends_the_run_and_is_answered_itself(here: Instance) -> None:
    run = here.open()
    here.next(run)
    assert here.parts(here.ask(Cancel(1)))[:2] == (5, BulkHeader(4, 1, 65_536, 256_000))
    assert here.all_of(run) == (b"", (5, BulkHeader(4, 1, 65_536, 256_000), b""))
    assert here.told[-1]["status"] == 5


def test_a_cancel_of_what_runs_no_more_tells_how_far_it_came(here: Instance) -> None:
    run = here.open()
    here.next(run)
    run.close()
    for _ in range(2):
        assert here.parts(here.ask(Cancel(1)))[:2] == (5, BulkHeader(4, 1, 65_536, 256_000))
    here.all_of(here.ask(Resume(1, 0)))
    assert here.parts(here.ask(Cancel(1)))[:2] == (5, BulkHeader(4, 1, 256_000, 256_000))


def test_a_resume_ends_the_older_run(here: Instance) -> None:
    older = here.open()
    here.next(older)
    newer = here.ask(Resume(1, 100))
    assert here.all_of(older) == (b"", (5, BulkHeader(4, 1, 65_536, 256_000), b""))
    assert here.all_of(newer)[0] == FILE[100:]
    assert here.parts(here.ask(Cancel(1)))[1].offset == 256_000


@pytest.mark.parametrize("asked", [Cancel(1), Resume(1, 0)])
def test_what_comes_to_another_instance_ends_the_run_by_the_store(
    here: Instance, there: Instance, asked: Any
) -> None:
    run = here.open()
    here.next(run)
    answer = there.ask(asked)
    assert here.next(run)[0] == 3
    at_once(here.bulk.watch())
    assert here.next(run)[0] == 5
    run.close()
    if isinstance(answer, Run):
        at_once(there.bulk.watch())
        assert there.all_of(answer)[0] == FILE


def test_of_a_run_elsewhere_a_cancel_knows_where_it_began(here: Instance, there: Instance) -> None:
    here.open().close()
    run = here.ask(Resume(1, 100))
    here.next(run)
    assert there.parts(there.ask(Cancel(1)))[:2] == (5, BulkHeader(4, 1, 100, 256_000))
    run.close()


def test_a_run_that_nobody_ended_goes_on(here: Instance) -> None:
    run = here.open()
    at_once(here.bulk.watch())
    here.database.is_broken = True
    at_once(here.bulk.watch())
    here.database.is_broken = False
    assert here.all_of(run)[0] == FILE


def test_a_long_run_is_seen_to_go_on(here: Instance) -> None:
    run = here.open()
    for _ in range(30):
        here.now += 3600
        at_once(here.bulk.watch())
    here.bulk = here.desk()  # the process was killed
    assert here.all_of(here.ask(Resume(1, 0)))[0] == FILE
    run.close()


def test_two_resumes_at_once_leave_one_run(here: Instance, there: Instance) -> None:
    """However late its transaction comes back, the older of two runs ends."""
    first = here.open()
    late = here.ask(Resume(1, 0))
    newest = here.ask(Resume(1, 0))
    again = here.bulk._run(late.transfer, here.header(), 0, lambda facts: None)
    assert [here.next(run)[0] for run in (first, late, again, newest)] == [5, 5, 5, 3]
    for run in (first, late, again, newest):
        run.close()


# --------------------------------------------------------------------- what comes on its connection


def test_a_cancel_on_its_own_connection_is_the_run_s_affair(here: Instance) -> None:
    run = here.open()
    here.next(run)
    assert run.take(here.frame(here.data(Cancel(1))))
    assert here.all_of(run)[1] == (5, BulkHeader(4, 1, 65_536, 256_000), b"")


def test_a_resume_on_its_own_connection_ends_the_run_and_waits(here: Instance) -> None:
    run = here.open()
    assert not run.take(here.frame(here.data(Resume(1, 10))))
    assert here.all_of(run)[1][0] == 5


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (Cancel(2), {}),
        (Cancel(1), {"session_key": "fedcba9876543210"}),
        (Cancel(1), {"type": 0}),
        (Cancel(1), {"echo": 1}),
        (Resume(1, 256_001), {}),
        (Resume(2, 0), {}),
        (Open(FETCH), {}),
        (b"\7" * 25, {}),
        (b"", {}),
    ],
)
def test_anything_else_waits_and_changes_nothing(
    here: Instance, asked: Any, fields: dict[str, Any]
) -> None:
    run = here.open()
    data = asked if isinstance(asked, bytes) else here.data(asked)
    assert not run.take(here.frame(data, **fields))
    assert here.all_of(run)[0] == FILE


def test_a_cancel_behind_the_last_frame_is_a_request_of_its_own(here: Instance) -> None:
    run = here.open()
    while here.next(run)[0] == 3:
        pass
    assert not run.take(here.frame(here.data(Cancel(1))))
    run.close()


def test_a_cancel_while_the_end_is_read_comes_in_time(here: Instance) -> None:
    run = here.open()
    for _ in range(4):
        assert here.next(run)[0] == 3
    run.cancel()
    assert here.next(run)[:2] == (5, BulkHeader(4, 1, 256_000, 256_000))
    run.close()


# ------------------------------------------------------------------------------------------ limits


def test_without_a_store_nothing_is_resumed_or_cancelled(here: Instance) -> None:
    run = here.open()
    here.database.is_broken = True
    for asked in (Resume(1, 0), Cancel(1)):
        assert here.status(here.ask(asked)) == 111
    here.database.is_broken = False
    run.close()


def test_over_the_limit_it_is_111_and_a_resume_takes_the_place_of_its_run(
    here: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_module, "MOST_RUNS", 2)
    runs = [here.open(), here.open()]
    assert here.status(here.ask(Open(FETCH))) == 111
    runs.append(here.ask(Resume(2, 0)))
    runs[0].close()
    runs.append(here.open())
    assert here.status(here.ask(Resume(1, 0))) == 111
    for run in runs[1:]:
        run.close()


def test_ids_beyond_the_header_are_111_and_totals_110(here: Instance) -> None:
    here.bulk = here.desk(greatest=1)
    here.open().close()
    assert here.status(here.ask(Open(FETCH))) == 111
    here.bulk = here.desk(sources=MadeSources(1, 2**64))
    assert here.status(here.ask(Open(FETCH))) == 110


def test_totals_beyond_what_an_inbox_can_announce(here: Instance) -> None:
    size = 2**33
    here.bulk = here.desk(sources=MadeSources(1, size))
    run = here.open()
    assert here.next(run)[1] == BulkHeader(1, 1, 0, size)
    run.close()
    # The digest of so much takes long: one that is known is taken as it is.
    at_once(here.bulk._transfers.ended(1, 0, bytes(32)))
    payload, (status, header, digest) = here.all_of(here.ask(Resume(1, size - 70_000)))
    assert payload == MadeSources(1, size).open("", size).read_at(size - 70_000, 70_000)
    assert (status, header, digest) == (4, BulkHeader(2, 1, size, size), bytes(32))
