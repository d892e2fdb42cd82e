"""Random interleavings of all that clients do and of all that may happen to the servers (issue 3).

A machine is thirty steps, and then all is mended and audited. `./dev prove interleavings` runs the
whole number of them, also on real processes.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from stateful.ground import MemoryStage
from stateful.machine import run
from stateful.model import Violation
from stateful.mutations import MUTATIONS

CORE = ("answered", "poll with a result", "run complete", "resumed run complete", "cancelled")
CORE += ("killed", "killed under requests", "fault struck", "equal frame accepted again")
"""What must happen in every forty machines; `machine.EXPECTED` has all that the proof wants."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryStage]:
    made = MemoryStage(tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_nobody_sees_what_he_may_not(stage: MemoryStage, seed: int) -> None:
    tally = run(stage.make, machines=40, seed=seed)
    assert tally["machine held"] >= 40
    assert [name for name in CORE if not tally[name]] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_what_is_wrong_is_found(stage: MemoryStage, name: str) -> None:
    tally: Counter[str] = Counter()
    mutated, reason = MUTATIONS[name]
    with mutated(), pytest.raises(Violation, match=reason) as found:
        run(stage.make, machines=400, seed=1998, tally=tally)
    print(f"{name}: {found.value} in machine {tally['machine']}")
