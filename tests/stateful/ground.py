"""What the machines stand on, made once: a filled store with sessions and Inbox items."""

from __future__ import annotations

from pathlib import Path

from stateful import processes
from stateful.clients import Driver
from stateful.facts import PUT, SESSIONS, TEMPLATES, Ground, Item, Session, files, profile_text
from stateful.memory import PORTS, MemoryDriver, Stage

from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import load_profile


def prepare(driver: MemoryDriver | processes.RealDriver, folder: Path) -> Ground:
    """Open sessions, and put files into the Inbox, over the wire."""

    def ask(process: str, port: str, octets: bytes) -> bytes:
        line = driver.line(process, port)
        line.send(octets)
        assert driver.settle(lambda: line.has_news, 10), f"no answer to {octets!r}"
        answer = line.take()
        line.hang_up()
        return answer

    def value(answer: bytes, name: str) -> str:
        assert b"ERROR=0" in answer, answer
        return answer.split(f"{name}=".encode())[1].split(b">")[0].split(b",")[0].decode()

    sessions = []
    for user in SESSIONS:
        made = ask("front", "jar", f"CKM<USERID={user.name},ENTPID={user.enterprise}>".encode())
        sessions.append(Session(value(made, "KEY"), user))
    items = []
    (folder / "inbox" / "files").mkdir(parents=True, exist_ok=True)
    for index, (user, octets) in enumerate(files(driver.profile.bulk_chunk)):
        loc = f"/inbox/files/{index}.csv"
        (folder / loc.lstrip("/")).write_bytes(octets)
        text = PUT.format(user=user, loc=loc, size=len(octets))
        number = value(ask("one", "inbox-native", text.encode()), "INBOXID")
        items.append(Item(number, user, octets))
    header = CommonHeader(driver.profile.version, session_key=sessions[0].key, serial=1)
    codec = driver.profile.wire.common
    templates = ask("one", "rm", codec.frame(header, TEMPLATES))[codec.size :]
    return Ground(tuple(sessions), tuple(items), templates)


class MemoryStage:
    """Makes drivers in memory, each on the same store as it was in the beginning."""

    def __init__(self, folder: Path) -> None:
        self._stage = Stage(folder)
        self._profiles = {
            multiplex: load_profile(profile_text(MemoryDriver.unit, PORTS, multiplex=multiplex))
            for multiplex in (False, True)
        }
        driver = MemoryDriver(self._stage, self._profiles[False])
        self.ground = prepare(driver, self._stage.files)
        driver.end()
        self._stage.keep()

    def make(self, multiplex: bool) -> tuple[Driver, Ground]:
        self._stage.put_back()
        return MemoryDriver(self._stage, self._profiles[multiplex]), self.ground

    def close(self) -> None:
        self._stage.close()


class RealStage:
    """The same of real processes."""

    def __init__(self, folder: Path) -> None:
        self._stage = processes.RealStage(folder)
        driver = self._stage.driver(self._stage.begun, multiplex=False)
        try:
            self.ground = prepare(driver, self._stage.files)
            for process in processes.NAMES:
                driver.stop(process)
        finally:
            driver.end()

    def make(self, multiplex: bool) -> tuple[Driver, Ground]:
        return self._stage.driver(self._stage.new_state(), multiplex=multiplex), self.ground
