"""Shared connections to proxies, without a network (DSP-04); over sockets: live/test_multiplex."""

from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import shipped
from starwire.servers.link import TimedOut, Unreachable
from starwire.servers.multiplex import Multiplex
from starwire.servers.readers import FrameRequests

PROFILE = shipped("default")
CODEC = PROFILE.wire.common
SECONDS = 60.0


class Asking:
    """A dispatcher's side, with proxies that accept no connection and refuse none."""

    def __init__(self) -> None:
        self.reactor: Any = MemoryReactorClock()  # type: ignore[no-untyped-call]
        self.outcomes: list[tuple[int, type]] = []
        self.multiplex = Multiplex(
            self.reactor,
            lambda: FrameRequests(CODEC, PROFILE),
            seconds=SECONDS,
            idle_seconds=1800.0,
        )

    def ask(self, serial: int, address: str, then: Any = lambda: None) -> None:
        """Note the outcome, then do something at once."""
        header = CommonHeader(PROFILE.version, session_key="k", serial=serial)

        def told(failure: Any) -> None:
            self.outcomes.append((serial, failure.type))
            then()

        frame = CODEC.frame(header, b"GRTL<>")
        self.multiplex.exchange(address, header, frame).addBoth(told)


@pytest.fixture
def asking() -> Asking:
    return Asking()


def test_who_is_told_that_it_is_too_late_may_ask_another_instance_at_once(asking: Asking) -> None:
    asking.ask(1, "127.0.0.1:1", then=lambda: asking.ask(3, "127.0.0.1:3"))
    asking.ask(2, "127.0.0.1:2")
    asking.reactor.advance(SECONDS + 1)
    assert asking.outcomes == [(1, TimedOut), (2, TimedOut)]


def test_who_is_told_that_the_dispatcher_stops_may_ask_another_instance_at_once(
    asking: Asking,
) -> None:
    asking.ask(1, "127.0.0.1:1", then=lambda: asking.ask(3, "127.0.0.1:3"))
    asking.ask(2, "127.0.0.1:2")
    asking.multiplex.stop()
    assert asking.outcomes == [(1, Unreachable), (3, Unreachable), (2, Unreachable)]
