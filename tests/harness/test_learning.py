"""Profiles learned from traffic of any profile: the same layout, or one that reads it the same."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_learning import Traffic, profiles

from starwire.harness.learning import profile_text, propose
from starwire.protocol.layout import Integer
from starwire.protocol.profile import load_profile


def places(layout, byte_order):
    """The fields of a layout as start, width and variant."""
    at, found = 0, {}
    for name, field in msgspec.structs.asdict(layout).items():
        if isinstance(field, Integer):
            variant = "" if field.width == 1 else field.order or byte_order
        else:
            variant = field.pad
        found[name] = (at, field.width, variant)
        at += field.width
    return found


def assert_learned(profile, traffic):
    """The layouts are equal, or the true one is declared and every header is read the same."""
    proposal = propose(traffic.lines)
    learned = load_profile(profile_text(proposal, "learned"))
    for header, fields in proposal.headers.items():
        true = places(getattr(profile, header), profile.byte_order)
        exact, version_declared = True, False
        for field in fields:
            chosen = (field.start, field.width, field.variant)
            if chosen != true[field.name]:
                exact = False
                declared = [(one.start, one.width, one.variant) for one in field.alternatives]
                assert true[field.name] in declared, (header, field.name, chosen, true[field.name])
                version_declared = version_declared or field.name == "version"
        if not exact:
            mine, theirs = getattr(learned.wire, header), getattr(profile.wire, header)
            for octets in traffic.headers[header]:
                found, said = mine.decode(octets), theirs.decode(octets)
                if version_declared:  # which number a constant is shows on no wire
                    found = msgspec.structs.replace(found, version=said.version)
                assert found == said, (header, octets)
        if "version" in true and not version_declared:
            assert learned.version == profile.version
    return proposal


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.slow
@given(profiles(), st.integers(0, 1 << 30))
def test_any_profile_of_one_byte_order_is_learned(profile, seed):
    assert_learned(profile, Traffic(profile, seed))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.slow
@given(profiles(own_orders=True), st.integers(0, 1 << 30))
def test_any_profile_of_mixed_byte_orders_is_learned(profile, seed):
    assert_learned(profile, Traffic(profile, seed))
