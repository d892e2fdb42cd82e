"""`starwire profile learn` and `show`: captures in, a profile and its evidence out."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from starwire.harness.cli import main
from starwire.protocol.profile import load_profile, shipped

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "recordings" / "v1"
LAYOUTS = ("common", "dispatcher", "web", "bulk")


def run(*arguments, status=0):
    result = CliRunner().invoke(main, ["profile", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result


@pytest.mark.parametrize(("name", "path"), [("default", "default.jsonl"), ("little", "little")])
def test_a_shipped_profile_is_learned_from_a_recording(tmp_path, name, path):
    out = tmp_path / "learned.toml"
    told = run("learn", RECORDINGS / path, "--name", "ours", "--out", out).stdout
    learned, shipped_ = load_profile(out.read_text("utf-8")), shipped(name)
    assert learned.name == "ours"
    assert (learned.version, learned.byte_order) == (shipped_.version, shipped_.byte_order)
    for layout in LAYOUTS:
        assert getattr(learned, layout) == getattr(shipped_, layout)
    assert "ambiguous" not in told
    assert "note: web" not in told, "what is not 200 is no frame"
    assert "  length        4 octets" in told
    assert "equals the frame's size in" in told


def test_one_hop_alone_gives_its_header_and_the_width_of_the_key(tmp_path):
    out = tmp_path / "learned.toml"
    told = run("learn", RECORDINGS / "little", "--hop", "proxy", "--out", out).stdout
    learned = load_profile(out.read_text("utf-8"))
    assert "dispatcher header:" not in told
    assert "note: no dispatcher header was captured" in told
    assert learned.common == shipped("little").common
    assert learned.dispatcher.session_key.width == learned.web.session_key.width == 16
    assert learned.dispatcher.status == shipped("default").dispatcher.status


def test_as_json_every_field_stands_with_its_evidence(tmp_path):
    told = json.loads(run("learn", RECORDINGS / "little", "--json").stdout)
    [length] = [one for one in told["headers"]["common"] if one["field"] == "length"]
    assert (length["at"], length["width"], length["order"]) == (1, 4, "little")
    assert length["against"] == 0
    assert (
        length["evidence"]
        == f"equals the frame's size in {length['frames']} of {length['frames']} frames"
    )
    assert load_profile(told["toml"]).common == shipped("little").common


def test_what_is_no_recording_is_refused_in_one_line(tmp_path):
    (tmp_path / "x.jsonl").write_text("GRTL<>\n")
    told = run("learn", tmp_path / "x.jsonl", status=2).stderr
    assert (
        told == f"starwire: {tmp_path}/x.jsonl: is neither a recording nor packets (pcap, pcapng);"
        " give raw octets or hex dumps with --requests and --replies\n"
    )


def test_the_layouts_of_a_profile_are_shown():
    told = run("show", "little").stdout.splitlines()
    assert told[0] == "profile little, version 1"
    assert "   23 serial           4 little-endian" in told
    assert "    5 target           8 blank filled" in told
