"""A profile that adds to the catalogue, as docs/configuration.md shows it (HDR-10)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Start = Callable[..., Any]
PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def documented() -> str:
    """The profile of the page."""
    blocks = [part.split("```")[0] for part in PAGE.read_text("utf-8").split("```toml\n")[1:]]
    return next(block for block in blocks if "[[overlay.messages]]" in block)


def test_what_the_page_adds_is_judged(start_chain: Start) -> None:
    chain = start_chain(documented())
    grtl = "GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O{}>"
    expected = {
        grtl.format(""): b"SRTL<ERROR=0,",
        grtl.format(",REGION=NE"): b"SRTL<ERROR=0,",
        grtl.format(",REGION=NES"): b"SRTL<ERROR=6103>",
        grtl.format(",COUNTRY=1"): b"SRTL<ERROR=6610>",
        "PING<>": b"PONG<ERROR=6701>",
        "PING<NAME=x>": b"PONG<ERROR=6104>",
    }
    with chain.customer() as client:
        for message, answer in expected.items():
            assert client.send(message.encode()).data.startswith(answer), message
