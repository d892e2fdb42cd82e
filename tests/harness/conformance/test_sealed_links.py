"""Implementations whose inner hops are encrypted (`check --link-keys`, ENC-01)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Outcome, Result
from starwire.harness.conformance.wiring import Asked, CannotCheck
from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.profile import shipped

ONE, OTHER = f"{1:064d}", f"{2:064d}"
NAMES = ("sanity", "seal", "header.length", "async", "bulk.whole")


def key_file(folder: Path, web: str = ONE, proxy: str = OTHER) -> Path:
    path = folder / f"{web[-1]}{proxy[-1]}.toml"
    path.write_text(f'web = "{web}"\nproxy = "{proxy}"\n')
    return path


def checked(target: str, keys: Path | None, *places: str) -> tuple[str, dict[str, Result]]:
    asked = Asked(
        target=target,
        places=places,
        names=NAMES,
        link_keys=keys,
        profile=shipped("default"),
        patience=2.0,
    )
    run = begin(asked)
    try:
        results = {result.case: result for result in run.results()}
        return run.stopped, results
    finally:
        run.close()


def outcomes(results: dict[str, Result], name: str) -> set[Outcome]:
    return {one.outcome for case, one in results.items() if case.startswith(name)}


def test_in_memory(tmp_path: Path) -> None:
    _, results = checked("memory:", key_file(tmp_path))
    assert {one.reason for one in results.values() if one.outcome is Outcome.FAILED} == set()
    assert outcomes(results, "seal.") == {Outcome.PASSED}
    assert outcomes(results, "async.") == {Outcome.PASSED}


def test_without_keys_it_is_not_asked() -> None:
    _, results = checked("memory:", None)
    assert outcomes(results, "seal.") == {Outcome.NOT_APPLICABLE}
    reason = "no link is encrypted: --link-keys FILE says the keys of one that is"
    assert results["seal.record@rm"].reason == reason


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("sealed")
    config = folder / "config.toml"
    config.write_text(f'[links]\nkey_file = "{key_file(folder)}"\n[logon.cost]\nn = 16\n')
    with EmulatorProcess(folder / "state", "--config", str(config)) as running:
        yield running


def test_over_sockets(chain: EmulatorProcess, tmp_path: Path) -> None:
    at = tuple(f"{name}={chain.places[name]}" for name in ("rm", "jar", "staroe"))
    stopped, results = checked(chain.target("dispatcher"), key_file(tmp_path), *at)
    assert stopped == ""
    assert {one.reason for one in results.values() if one.outcome is Outcome.FAILED} == set()
    assert outcomes(results, "seal.") == {Outcome.PASSED}
    assert results["async.once@rm"].outcome is Outcome.PASSED


def test_with_other_keys(chain: EmulatorProcess, tmp_path: Path) -> None:
    stopped, results = checked(chain.target("dispatcher"), key_file(tmp_path, OTHER, ONE))
    # The record of the request is none to the dispatcher, which says nothing and closes.
    assert stopped.startswith("dispatcher does not speak this wire: expected a reply; got the conn")
    assert results["sanity.wire@dispatcher"].outcome is Outcome.FAILED


def test_keys_where_nothing_is_sealed(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "state", "--only", "jar,rm") as running:
        stopped, _ = checked(running.target("rm"), key_file(tmp_path))
    # Our greeting is taken for a frame of another version, and the answer to it for a greeting.
    assert stopped.startswith("rm does not speak this wire: expected a record of this link (ENC")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no such file or directory"),
        (f'web = "{ONE}"', "must have the keys web and proxy, and no other"),
        (f'web = "{ONE}"\nproxy = "{ONE}"', "web and proxy are the same key"),
    ],
)
def test_a_key_file_that_is_none(text: str | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CannotCheck) as refused:
        checked("memory:", path)
    assert str(refused.value) == f"--link-keys {path}: {reason}"
