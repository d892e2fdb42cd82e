"""Each rule fault does what its sentence says, and nothing of it stays when it is switched off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from starwire.servers.breaking import BREAKING
from starwire.servers.rule_faults import RULE_FAULTS, all_faults, rule_fault, switched_on

from . import (
    proofs_of_dispatching,
    proofs_of_frames,
    proofs_of_messages,
    proofs_of_reports,
    proofs_of_sealing,
    proofs_of_syntax,
    proofs_of_transports,
    proofs_of_web,
)
from .test_over_tls import PROVED_HERE

TABLES = (
    proofs_of_frames,
    proofs_of_dispatching,
    proofs_of_transports,
    proofs_of_web,
    proofs_of_syntax,
    proofs_of_messages,
    proofs_of_reports,
    proofs_of_sealing,
)
PROOFS = {name: proof for table in TABLES for name, proof in table.PROOFS.items()}
RULES = set(
    re.findall(
        r"^### ([A-Z]{3}-[0-9]{2})$",
        Path(__file__).parents[3].joinpath("docs", "protocol.md").read_text("utf-8"),
        re.MULTILINE,
    )
)


NOT_SEEN = {"ENC-02", "FLW-01", "FLW-02", "FLW-03"}
"""The audit trail is not on the wire; the Scheduler and the bus are not implemented."""


def test_every_rule_that_shows_on_the_wire_is_broken_by_some_fault() -> None:
    broken = {rule for fault in RULE_FAULTS.values() for rule in fault.rules}
    assert broken == RULES - NOT_SEEN


def test_every_fault_has_its_proof() -> None:
    assert sorted([*PROOFS, *PROVED_HERE]) == sorted(RULE_FAULTS)


@pytest.mark.parametrize("name", PROOFS)
def test_a_fault_shows_on_the_wire_and_is_gone_when_it_is_off(name: str) -> None:
    proof = PROOFS[name]
    assert proof.sound != proof.broken
    assert proof.seen() == proof.sound
    with switched_on(name):
        assert proof.seen() == proof.broken
    assert proof.seen() == proof.sound


@pytest.mark.parametrize("fault", all_faults(), ids=lambda fault: fault.name)
def test_a_fault_says_what_it_breaks(fault) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fault.name) or fault.generated
    assert fault.rules
    assert set(fault.rules) <= RULES
    assert re.fullmatch(r"[A-Z0-9`].*\.", fault.sentence)


def test_nothing_is_kept_of_all_of_them_at_once() -> None:
    before = {name: list(listed) for name, listed in vars(BREAKING).items()}
    with switched_on(*RULE_FAULTS):
        assert any(vars(BREAKING).values())
    assert vars(BREAKING) == before
    assert not any(before.values())


def test_what_is_no_fault_is_refused_before_anything_is_broken() -> None:
    with pytest.raises(KeyError, match="nothing-of-this-name"):
        switched_on("length-short-by-one", "nothing-of-this-name").__enter__()
    with pytest.raises(KeyError):
        rule_fault("skip.GRTL.NOTHING")
