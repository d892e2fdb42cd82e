"""Timers and threads of a process in memory."""

import pytest
from twisted.internet.error import AlreadyCalled
from twisted.internet.task import LoopingCall, deferLater

from starwire.servers.memory.network import Network


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def host(network):
    return network.host("one")


def let_pass(network, seconds):
    """From timer to timer."""
    end = network.now + seconds
    while (due := network.due()) is not None and due <= end:
        network.advance(due - network.now)
        network.settle()
    network.advance(end - network.now)


def test_timers_come_in_the_order_of_their_time_then_of_their_making(network, host):
    came = []
    for name, seconds in (("c", 2.0), ("a", 1.0), ("d", 2.0), ("b", 1.0)):
        host.callLater(seconds, came.append, name)
    let_pass(network, 1.0)
    assert came == ["a", "b"]
    let_pass(network, 1.0)
    assert came == ["a", "b", "c", "d"]


def test_a_timer_of_now_does_not_wait_for_the_clock(network, host):
    came = []
    host.callLater(0, came.append, "now")
    assert came == []
    network.settle()
    assert came == ["now"]


def test_a_timer_that_was_moved_comes_once_and_then(network, host):
    came = []
    later = host.callLater(1.0, lambda: came.append(network.now))
    later.reset(3.0)
    sooner = host.callLater(5.0, lambda: came.append(network.now))
    sooner.reset(2.0)
    put_off = host.callLater(1.0, lambda: came.append(network.now))
    put_off.delay(3.0)
    let_pass(network, 10.0)
    assert came == [2.0, 3.0, 4.0]
    assert not any(timer.active() for timer in (later, sooner, put_off))


def test_a_cancelled_timer_never_comes_and_many_leave_nothing(network, host):
    came = []
    kept = host.callLater(2.0, came.append, "kept")
    for _ in range(2000):
        host.callLater(1.0, came.append, "cancelled").cancel()
    assert len(host._timers) < 1000
    let_pass(network, 3.0)
    assert came == ["kept"]
    with pytest.raises(AlreadyCalled):
        kept.cancel()


def test_what_twisted_times_is_on_this_clock(network, host):
    beats = []
    loop = LoopingCall(lambda: beats.append(network.now))
    loop.clock = host
    loop.start(2.0, now=False)
    waited = deferLater(host, 3.0, lambda: "waited")
    let_pass(network, 6.5)
    loop.stop()
    assert beats == [2.0, 4.0, 6.0]
    assert waited.result == "waited"


def test_a_threads_result_and_its_failure_are_told_in_turn(network, host):
    told = []
    host.ask("threads", lambda: 1).addCallback(told.append)
    host.ask("threads", lambda: 1 / 0).addErrback(lambda failure: told.append(failure.type))
    assert told == []
    network.settle()
    assert told == [1, ZeroDivisionError]


def test_a_dead_process_does_nothing_more(network, host):
    came = []
    host.callLater(1.0, came.append, "timer")
    host.ask("threads", lambda: came.append("thread"))
    host.die(0)
    host.ask("threads", lambda: came.append("thread"))
    host.callLater(0, came.append, "timer")
    network.settle()
    let_pass(network, 5.0)
    assert came == []
