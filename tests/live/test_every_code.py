"""Every code of Appendix E, provoked over real sockets by the conformance cases (ERR-06)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Outcome
from starwire.harness.conformance.wiring import Asked
from starwire.protocol.codes import codes

from .conftest import CHEAP

_STRICT = """
[rm]
fulserver = true
"""
"""Every NRL must name its fulfilling server, for which the target file has a good one."""
_GOOD = (
    "NRL<TYPE=t,ENTPID={entpid},USERID={userid},STDRPTID=40,COMPRESS=0,LOC={loc},FSIZE={size},"
    "REPORTTITLE=t,PRESORTED=0,FULSERVER=ODS>"
)
_NAMED = f'[requests]\nNRL = "{_GOOD}"\n"NRL/from" = "{_GOOD}"\n'


def provoked(chain: Any, names: tuple[str, ...], facts: Path | None = None) -> dict[str, Outcome]:
    """What becomes of the cases of codes against that chain."""
    places = {name: at for name, at in chain.emulator.places.items() if name != "control"}
    asked = Asked(
        target=chain.emulator.target("web"),
        profile=chain.profile,
        places=tuple(f"{name}={at}" for name, at in places.items() if name != "web"),
        names=names,
        facts=facts,
        files=Path(chain.emulator.state, "files"),
        control=f"http://{chain.emulator.places['control']}",
        workers=4,
    )
    run = begin(asked)
    try:
        results = run.results()
    finally:
        run.close()
    found = {result.case.partition("@")[0]: result for result in results}
    wrong = [f"{one.case}: {one.reason}" for one in results if one.outcome is Outcome.FAILED]
    assert wrong == []
    return {name: result.outcome for name, result in found.items() if name.startswith("codes.")}


def test_every_code_can_be_provoked(chain: Any) -> None:
    found = provoked(chain, ("codes",))
    every = {f"codes.{row.proxy}.{row.code}" for row in codes()}
    passed = {name for name, outcome in found.items() if outcome is Outcome.PASSED}
    assert every - passed == {"codes.RM.6819"}


def test_no_fault_is_left_on(chain: Any) -> None:
    provoked(chain, ("codes.RM.6101", "codes.INBOX.5105"))
    assert chain.control("GET", "/faults")["faults"] == []


@pytest.mark.parametrize("profile", ["default", "little"])
def test_the_code_that_a_configuration_asks_for(
    profile: str, start_shared: Callable[..., Any], tmp_path: Path
) -> None:
    facts = tmp_path / "strict.toml"
    facts.write_text(_NAMED)
    chain = start_shared(f'extends = "{profile}"\nname = "test"\n', config=CHEAP + _STRICT)
    names = ("codes.RM.6819", "codes.RM.0")
    assert provoked(chain, names, facts)["codes.RM.6819"] is Outcome.PASSED
