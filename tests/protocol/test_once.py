"""What several threads may be the first to ask for is loaded by one of them."""

import threading
import time

from starwire.protocol.once import once


def test_threads_that_ask_at_the_same_time_load_once() -> None:
    loads: list[str] = []
    inside: list[int] = []

    @once
    def load(name: str) -> list[str]:
        inside.append(1)
        assert len(inside) == 1, "two at a time"
        time.sleep(0.01)
        loads.append(name)
        inside.pop()
        return [name]

    got: list[list[str]] = []
    start = threading.Barrier(8)

    def ask(name: str) -> None:
        start.wait()
        got.append(load(name))

    threads = [threading.Thread(target=ask, args=(name,)) for name in "aabbaabb"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(loads) == ["a", "b"]
    assert len(got) == 8
    assert {id(one) for one in got} == {id(load("a")), id(load("b"))}
    assert load.__name__ == "load"


def test_what_is_loaded_may_ask_for_itself() -> None:
    @once
    def factorial(number: int) -> int:
        return number * factorial(number - 1) if number else 1

    assert factorial(5) == 120
