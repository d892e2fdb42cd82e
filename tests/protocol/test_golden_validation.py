"""The original messages pass the validation at their doors (SYN-12)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from starwire.protocol.catalogue import Direction, catalogue
from starwire.protocol.validation import Refusal, Request, validate

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
MANIFEST = tomllib.loads((GOLDEN / "manifest.toml").read_text("utf-8"))["message"]

ODS = {"server": "ODS", "io": "O", "datacat": "P", "description": "yes", "timezones": "45 46"}


class Original(NamedTuple):
    file: str
    door: str
    message: str
    direction: Direction = "request"
    facts: dict[str, str] = {}  # noqa: RUF012 - never changed


ORIGINALS = [
    Original("grtl.emended", "rm", "GRTL"),
    Original("grtl.printed", "rm", "GRTL"),
    Original("gurl.emended", "rm", "GURL"),
    Original("gurl.printed", "rm", "GURL"),
    Original("ard-client.printed", "rm", "ARD client", facts=ODS),
    Original("ard-client.printed", "rm-native", "ARD client", facts=ODS),
    Original("nrl.emended", "rm-native", "NRL"),
    Original("nrl.emended", "bus", "NRL", facts={"sender": "ODS", "fulserver": "off"}),
    Original("nrl.printed", "rm-native", "NRL"),
    Original("metadata-tvs.emended", "rm-native", "METADATA", "response", {"server": "TVS"}),
    Original("metadata-tvs.printed", "rm-native", "METADATA", "response"),
    Original("metadata-commas.emended", "rm-native", "METADATA", "response"),
    Original("inbox-add.emended", "inbox-native", "A"),
    Original("inbox-add.printed", "inbox-native", "A"),
    Original("ard-fulfilling.emended", "bus", "ARD fulfilling", facts={"server": "ODS"}),
    Original("srtl-template.printed", "rm", "SRTL", "response"),
    Original("surl-template.printed", "rm", "SURL", "response"),
]
FORMS_OF_NO_MESSAGE = {"srtd-template", "nrl-totals"}


def judged(octets: bytes, original: Original) -> Request:
    return validate(
        octets,
        original.door,
        catalogue=catalogue(),
        facts=original.facts,
        direction=original.direction,
    )


def read(file: str) -> bytes:
    return (GOLDEN / f"{file}.msg").read_bytes()


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda one: f"{one.file}-{one.door}")
def test_an_original_is_in_order(original: Original) -> None:
    octets = read(original.file)
    request = judged(octets, original)
    spec = request.spec
    assert " ".join(filter(None, (spec.acronym, spec.variant))) == original.message
    assert spec.direction == original.direction
    assert request.octets == octets


def test_no_original_is_left_out() -> None:
    files = {one.file for one in ORIGINALS}
    for message in MANIFEST:
        if message["id"] not in FORMS_OF_NO_MESSAGE:
            best = "emended" if "emended" in message else "printed"
            assert f"{message['id']}.{best}" in files


REFUSED: list[tuple[str, str, int, bytes]] = [
    ("metadata-commas.printed", "rm-native", 6612, b"<ERROR=6612>"),
    ("ard-fulfilling.printed", "bus", 6612, b"ARD<ERROR=6612>"),
    ("srtd-template.printed", "rm", 6612, b"<ERROR=6612>"),
]


@pytest.mark.parametrize(("file", "door", "code", "reply"), REFUSED)
def test_a_broken_print_is_refused_as_the_manifest_says(
    file: str, door: str, code: int, reply: bytes
) -> None:
    [outcome] = [one["outcome"] for one in MANIFEST if one.get("printed") == f"{file}.msg"]
    with pytest.raises(Refusal) as caught:
        judged(read(file), Original(file, door, ""))
    assert (str(caught.value.code), caught.value.step) == (outcome, 1)
    assert (caught.value.code, caught.value.reply) == (code, reply)


def test_the_totals_of_appendix_i_fit_into_an_nrl() -> None:
    totals = read("nrl-totals.printed")
    octets = read("nrl.emended").replace(b"PRESORTED=0", b"PRESORTED=0,TOTAL=" + totals)
    request = judged(octets, Original("nrl.emended", "bus", "NRL"))
    assert request.get("TOTAL") is not None


def test_what_the_originals_say() -> None:
    """Names are found by alias, groups by their members, lists by theirs."""
    grtl = judged(read("grtl.printed"), ORIGINALS[1])
    assert grtl.scalar("DATACAT") == grtl.scalar("DATA CAT") == "P"

    client = judged(read("ard-client.printed"), ORIGINALS[4])
    [threshold] = client.groups("THRESHOLD")
    [schedule] = client.groups("SCHEDULE")
    assert threshold.scalar("RECCOUNT") == "20"
    assert client.scalar("SCHEDULE") == "A"
    assert schedule.scalar("END") == "199807151200"
    assert "~".join(client.members("COLUMNS")) == "54~55~67~62~36~61~58~63~64~66~65"
    assert client.members("CARDNO") == ["654654*", "5465465465465465"]
    assert client.members("IACCESS") == []

    ods = judged(read("ard-fulfilling.emended"), ORIGINALS[14])
    [zone] = ods.groups("TIMEZONE")
    assert (zone.scalar("LABEL"), zone.scalar("OFFSET")) == ("MDT", "6")
    assert ods.members("SUBTOTALCOLUMNS") == []
    assert ods.scalar("SUBTOTCOL", "none") == "none"

    add = judged(read("inbox-add.emended"), ORIGINALS[12])
    assert add.scalar("RPTCATEGORIES") == "Service Location & Hour"
    assert (add.scalar("PRIORITY"), add.scalar("PRIORITY", "4")) == ("", "4")

    tvs = judged(read("metadata-tvs.emended"), ORIGINALS[9])
    [metadata] = tvs.groups("METADATA")
    [criteria] = metadata.groups("CRITERIA")
    columns = metadata.groups("METACOLUMN")
    assert criteria.scalar("TIME_ZONE") == criteria.scalar("Timezone") == "EST"
    assert metadata.members("COLUMN_DISPLAY_ORDER") == [
        column.scalar("META_COLUMN_ID") for column in columns
    ]
    assert criteria.groups("COLOUR") == []
    assert criteria.get("COLOUR") is None


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda one: f"{one.file}-{one.door}")
def test_an_original_that_loses_its_first_token_is_not(original: Original) -> None:
    """The table judges: what passes does not pass because nothing is looked at."""
    octets: Any = read(original.file)
    for broken in (octets.replace(b"<", b"<COLOUR=red,", 1), octets[:-1]):
        with pytest.raises(Refusal):
            judged(broken, original)
