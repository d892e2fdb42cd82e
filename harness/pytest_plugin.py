"""For pytest: the conformance cases as items, and emulators for a project's own tests.

    pytest --starwire https://127.0.0.1:8443/nmci --starwire-case 'header.*'

collects each case as an item of its own, beside whatever else is collected. A case that fails shows
the rule, what was expected and got, the octets, and the command that runs it alone.

    def test_of_my_client(starwire_chain):
        my_client.connect(starwire_chain.target("web"))

The fixtures start what they name in this process, on free ports, anew for each test:
`starwire_chain` everything from the web server to the back ends, `starwire_proxy` the proxies with
their cookie jar, `starwire_client` a client that is logged on at a chain of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .client import Client
    from .conformance.case import Case
    from .conformance.result import Result
    from .conformance.running import Run

_CHAIN = (
    *("jar", "staroe", "rm", "rs", "inbox"),
    *("rm-native", "inbox-native", "dispatcher", "web"),
)
_PROXIES = ("jar", "staroe", "rm", "rs", "inbox")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `starwire check` that choose a target and its cases."""
    group = parser.getgroup("starwire", "conformance to the networkMCI Interact wire")
    group.addoption("--starwire", metavar="TARGET", help="test this implementation, case by case")
    group.addoption("--starwire-at", action="append", default=[], metavar="PLACE=HOST:PORT")
    group.addoption("--starwire-case", action="append", default=[], metavar="GLOB")
    group.addoption("--starwire-rule", action="append", default=[], metavar="GLOB")
    group.addoption("--starwire-facts", metavar="FILE", help="the target file (TOML)")
    group.addoption("--starwire-profile", default="default", metavar="NAME|FILE")


class CaseFailed(Exception):
    """A case that did not pass; holds its result."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.reason)
        self.result = result


class CaseItem(pytest.Item):
    """One case at one place."""

    def __init__(self, *, case: Case, run: Run, words: tuple[str, ...], **more: Any) -> None:
        super().__init__(**more)
        self._case = case
        self._run = run
        self._words = words
        for rule in case.rules:
            self.user_properties.append(("rule", rule))

    def runtest(self) -> None:
        """Run it, behind the cases that it comes after."""
        from .conformance.result import Outcome

        result = self._run.result_of(self._case)
        if result.outcome in (Outcome.NOT_APPLICABLE, Outcome.BLOCKED):
            pytest.skip(f"{result.outcome.value}: {result.reason}")
        if result.outcome not in (Outcome.PASSED, Outcome.NON_STRICT, Outcome.INFORMATIONAL):
            raise CaseFailed(result)
        if result.reason:
            self.add_report_section("call", result.outcome.value, result.reason)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """What a person wants to see of a failure."""
        if not isinstance(excinfo.value, CaseFailed):
            return super().repr_failure(excinfo, style)
        from .conformance.telling import failure_lines

        return "\n".join(failure_lines(excinfo.value.result, self._words))

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Where it stands in a report."""
        return "starwire", None, self._case.id


class Cases(pytest.Collector):
    """The cases that apply to the target."""

    def collect(self) -> Iterator[CaseItem]:
        """An item for each."""
        config = self.config
        run, words = begun(config)
        config.add_cleanup(run.close)
        for case in run.cases:
            yield CaseItem.from_parent(self, name=case.id, case=case, run=run, words=words)


def begun(config: pytest.Config) -> tuple[Run, tuple[str, ...]]:
    """The run that the options ask for, and the words of `check` that would do the same."""
    from .commands import read_profile
    from .conformance.checking import begin
    from .conformance.wiring import Asked, CannotCheck

    option = config.getoption
    facts = option("--starwire-facts")
    words = [option("--starwire")]
    words += [word for place in option("--starwire-at") for word in ("--at", place)]
    words += ["--facts", facts] if facts else []
    words += ["--profile", option("--starwire-profile")]
    asked = Asked(
        target=option("--starwire"),
        profile=read_profile(option("--starwire-profile")),
        places=tuple(option("--starwire-at")),
        names=tuple(option("--starwire-case")),
        rules=tuple(option("--starwire-rule")),
        facts=None if facts is None else config.invocation_params.dir / facts,
    )
    try:
        return begin(asked), tuple(words)
    except CannotCheck as error:
        raise pytest.UsageError(f"--starwire: {error}") from None


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put the cases before the project's own tests."""
    if config.getoption("--starwire") is not None:
        cases = Cases.from_parent(session, name="starwire")
        items[:0] = list(cases.collect())


class Chain:
    """Servers of the emulator that run for one test."""

    def __init__(self, only: tuple[str, ...], **options: Any) -> None:
        from starwire.protocol.profile import shipped

        from .emulator import in_thread

        self.profile = shipped("default")
        self._emulator = in_thread(self.profile, only, **options)
        self.places: dict[str, tuple[str, int]] = self._emulator.places
        """Host and port of each server, by the name of its port."""
        self.files = self._emulator.files
        """The folder in which its Inbox finds files."""

    def target(self, name: str) -> str:
        """One of them as `starwire send --to` takes it."""
        host, port = self.places[name]
        kinds = {"web": "https", "dispatcher": "dispatcher", "jar": "native"}
        kind = kinds.get(name, "native" if name.endswith("-native") else "proxy")
        return f"{kind}://{host}:{port}" + (self.profile.web_path if name == "web" else "")

    def stop(self) -> None:
        """End them."""
        self._emulator.stop()


@pytest.fixture
def starwire_chain() -> Iterator[Chain]:
    """The whole chain, from the web server to the back ends, with the emulator's first data."""
    chain = Chain(_CHAIN)
    yield chain
    chain.stop()


@pytest.fixture
def starwire_proxy() -> Iterator[Chain]:
    """The proxies and the cookie jar that they ask."""
    chain = Chain(_PROXIES)
    yield chain
    chain.stop()


@pytest.fixture
def starwire_client(starwire_chain: Chain) -> Iterator[Client]:
    """A client that is logged on at the chain as the first of its users."""
    from .client import Client
    from .conformance.description import described

    user = described(None).user[0]
    with Client(starwire_chain.target("web")) as client:
        client.logon(user.userid, user.password)
        yield client
