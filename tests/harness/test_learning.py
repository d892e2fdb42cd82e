"""Profiles learned from traffic of any profile: the same layout, or one that reads it the same."""

import random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_learning import Traffic, profiles

from starwire.harness.learning import Line, NothingLearned, profile_text, propose, report_lines
from starwire.protocol.headers import CommonHeader
from starwire.protocol.layout import Integer, Text
from starwire.protocol.profile import load_profile, shipped


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


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.slow
@given(profiles(), st.integers(0, 1 << 30))
def test_any_profile_of_one_byte_order_is_learned(profile, seed):
    assert_learned(profile, Traffic(profile, seed))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.slow
@given(profiles(own_orders=True), st.integers(0, 1 << 30))
def test_any_profile_of_mixed_byte_orders_is_learned(profile, seed):
    assert_learned(profile, Traffic(profile, seed))


def test_what_a_capture_leaves_open_is_told_with_what_would_decide():
    """In `little` the octets behind a length are those of an echo that is always 0."""
    profile = shipped("little")
    lines = [
        line
        for line in Traffic(profile, 3, 60).lines
        if line.spoken == "common" and line.client != line.server
    ]
    told = list(report_lines(propose(lines)))
    assert "  echo          1 octet at 5: 0 in every frame: no echo was seen" in told
    assert (
        "ambiguous: common.echo: 1 octet at 5 was chosen, as `default` has it; no frame speaks"
        " against 2 to 3 octets. What would decide: echoes (HDR-05)"
    ) in told
    assert any(one.startswith("ambiguous: common.length: 4 octets") for one in told)
    assert not any(one.startswith("ambiguous: common.serial") for one in told)


def test_with_echoes_it_is_open_no_more():
    lines = [line for line in Traffic(shipped("little"), 3, 60).lines if line.spoken == "common"]
    assert not any("ambiguous" in one for one in report_lines(propose(lines)))


def test_the_fill_of_keys_that_are_never_empty_is_open():
    lines = [
        line
        for line in Traffic(shipped("default"), 3, 60).lines
        if line.spoken == "common" and line.client != line.server
    ]
    [told] = [one for one in report_lines(propose(lines)) if "ambiguous: common.session" in one]
    assert "no frame speaks against blank filled. What would decide" in told


def test_narrow_lengths_give_a_profile_whose_frames_fit():
    common = msgspec.structs.replace(shipped("default").common, length=Integer(2))
    profile = msgspec.structs.replace(
        shipped("default"),
        common=common,
        frame_octets=65_535,
        bulk_frame_octets=65_535,
        bulk_chunk=1000,
    )
    lines = [line for line in Traffic(profile, 3).lines if line.spoken == "common"]
    learned = load_profile(profile_text(propose(lines), "learned"))
    assert learned.common == common
    assert (learned.frame_octets, learned.bulk_frame_octets) == (65_535, 65_535)
    assert learned.bulk_chunk + 76 + 25 == 65_535


def test_frames_that_speak_against_a_field_are_counted():
    """An ERROR under status 0, a type that there is not, and a reply to nobody's serial."""
    profile = shipped("default")
    codec = profile.wire.common
    lines = [line for line in Traffic(profile, 3, 60).lines if line.spoken == "common"]
    asked = CommonHeader(1, session_key="0" * 32, serial=1 << 40)
    for header, status, answer in (
        (asked, 0, b"SRTL<ERROR=6827>"),
        (msgspec.structs.replace(asked, type=9), 107, b""),
    ):
        frames = [codec.frame(header, b"GRTL<A>"), codec.frame(header.reply(status), answer)]
        lines.append(Line("x", "common", *frames))
    stray = msgspec.structs.replace(asked, serial=7).reply(0)
    lines.append(Line("y", "common", codec.frame(asked, b"GRTL<A>"), codec.frame(stray, b"X<A>")))
    proposal = propose(lines)
    against = {field.name: field.wrong for field in proposal.headers["common"]}
    assert against == {
        **dict.fromkeys(["version", "length", "echo", "session_key"], 0),
        "type": 2,
        "serial": 1,
        "status": 1,
    }
    assert any("; 1 of " in one and " speak against it" in one for one in report_lines(proposal))


LITTLE_SERIAL = msgspec.structs.replace(
    shipped("little").common,
    session_key=Text(38, "blank"),
    type=Integer(2),
    serial=Integer(3),
    status=Integer(4),
)


def test_numbers_that_rise_by_one_tell_their_byte_order():
    """Type and serial are `00 00 f9 25 01` together: a serial in network order would rise as well,
    but by 65,536 at a time.
    """
    little = shipped("little")
    key = Text(38, "nul")
    profile = msgspec.structs.replace(
        little,
        common=LITTLE_SERIAL,
        dispatcher=msgspec.structs.replace(little.dispatcher, session_key=key),
        web=msgspec.structs.replace(little.web, session_key=key),
    )
    proposal = assert_learned(profile, Traffic(profile, 610193878))
    [serial] = [one for one in proposal.headers["common"] if one.name == "serial"]
    assert (serial.start, serial.width, serial.variant) == (46, 3, "little")


def test_the_ids_of_the_messages_tell_where_those_of_the_header_end():
    """All three texts are filled with NULs, and the enterprise id and the key are digits."""
    default = shipped("default")
    key = Text(29, "nul")
    dispatcher = msgspec.structs.replace(
        default.dispatcher,
        target=Text(8, "nul"),
        user_id=Text(22, "nul"),
        enterprise_id=Text(8, "nul"),
        session_key=key,
        status=Integer(3),
    )
    profile = msgspec.structs.replace(
        default,
        common=msgspec.structs.replace(default.common, session_key=key),
        dispatcher=dispatcher,
        web=msgspec.structs.replace(default.web, session_key=key),
    )
    traffic = Traffic(profile, 453)
    learned = load_profile(profile_text(propose(traffic.lines), "learned"))
    assert learned.dispatcher == dispatcher


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from([0.001, 0.01, 0.1, 0.5]), st.booleans())
def test_whatever_the_octets_it_is_a_profile_or_one_line(seed, share, cut_too):
    chance = random.Random(seed)
    lines = Traffic(shipped("little"), seed, 8).lines
    for line in lines:
        line.client, line.server = (
            harmed(octets, share, chance, cut_too) for octets in (line.client, line.server)
        )
        line.bodies = [(one, harmed(body, share, chance, cut_too)) for one, body in line.bodies]
    try:
        proposal = propose(lines)
        load_profile(profile_text(proposal, "any"))
        said = list(report_lines(proposal))
    except NothingLearned as error:
        said = [str(error)]
    assert said
    assert all(one.isprintable() for one in said)


def harmed(octets, share, chance, cut_too):
    found = bytes(chance.randrange(256) if chance.random() < share else one for one in octets)
    return found[: chance.randrange(len(found) + 1)] if cut_too else found
