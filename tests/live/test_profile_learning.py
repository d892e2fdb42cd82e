"""Profiles learned from what a real emulator recorded, and taken at once by the next one."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from starwire.harness.cli import main
from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import load_profile

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
LAYOUTS = ("common", "dispatcher", "web", "bulk")
MIXED = """
extends = "default"
name = "old"
version = 7
byte_order = "little"
[common]
echo = { width = 2 }
session_key = { width = 24, pad = "blank" }
serial = { width = 6, order = "big" }
status = { width = 1 }
[dispatcher]
length = { width = 3 }
target = { width = 6, pad = "nul" }
user_id = { width = 20, pad = "nul" }
session_key = { width = 24 }
[web]
transaction = { width = 2 }
session_key = { width = 24 }
[bulk]
operation = { width = 2, order = "big" }
total = { width = 4 }
"""
NARROWER = "frame_octets = 16_777_215\n"


def learned(recording: Path, out: Path) -> str:
    """The text of the profile that the command learns from a recording."""
    arguments = ["profile", "learn", str(recording), "--name", "learned", "--out", str(out)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return out.read_text("utf-8")


def talk(chain: Any) -> None:
    """A bit of everything: a logon, all types, an error and an echo."""
    with chain.customer() as client:
        client.send(GRTL)
        client.send(b"GRTL<PRODUCT=V>")
        identifier = client.send(GRTL, type=1).data
        client.send(identifier, type=2)
        with client.open(GRTL, proxy="RM") as transfer:
            assert b"".join(transfer).startswith(b"SRTL")
        client.logoff()
    host, _, port = chain.emulator.places["rm"].rpartition(":")
    echo = chain.profile.wire.common.frame(
        CommonHeader(chain.profile.version, echo=1, serial=4711), b""
    )
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(echo)
        assert line.recv(len(echo), socket.MSG_WAITALL) == echo


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        'extends = "default"\nname = "test"\n',
        'extends = "little"\nname = "test"\n',
        MIXED.replace("version", NARROWER + "version", 1),
    ],
    ids=["default", "little", "mixed"],
)
def test_what_an_emulator_recorded_gives_its_profile_and_the_next_one_takes_it(
    start_chain: Callable[..., Any],
    start_in: Callable[..., Any],
    tmp_path: Path,
    text: str,
) -> None:
    chain = start_chain(text, "--record", str(tmp_path / "x.jsonl"))
    talk(chain)
    assert chain.emulator.stop() == 0
    found = learned(tmp_path / "x.jsonl", tmp_path / "learned.toml")
    profile = load_profile(found)
    assert (profile.version, profile.byte_order) == (
        chain.profile.version,
        chain.profile.byte_order,
    )
    for layout in LAYOUTS:
        assert getattr(profile, layout) == getattr(chain.profile, layout)
    (tmp_path / "next").mkdir()
    following = start_in(tmp_path / "next", found)
    try:
        with following.customer() as client:
            assert client.send(GRTL).data.startswith(b"SRTL<ERROR=0")
    finally:
        assert following.emulator.stop() == 0
