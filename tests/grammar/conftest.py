"""What several tests of the grammar look at: the syntax of a message, laid open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starwire.grammar import Group

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"


def lay_open(group: Group) -> tuple[Any, ...]:
    """Where a group stands and all its pieces, with the groups in them laid open too."""
    pieces = [
        (key, text, lay_open(inner) if isinstance(inner, Group) else inner, separator)
        for key, text, inner, separator in group.pieces
    ]
    return group.offset, group.end, pieces


@pytest.fixture(scope="session")
def laid_open() -> Callable[[Group], tuple[Any, ...]]:
    return lay_open


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of the original messages."""
    return GOLDEN
