"""The catalogue (CAT-01, CAT-02): every message, both directions, as one declarative table.

The tables are the TOML files beside this one, written like the appendices: a line for each
parameter. `specification` says what the words of a line mean, `vocabulary.toml` holds what lines
refer to by name. Validation, builders, documentation, fuzzing strategies and conformance cases
come from here, and none repeats it.
"""

from .loading import CatalogueError
from .reading import Reading
from .specification import (
    Alias,
    CheckSpec,
    Direction,
    DoorSpec,
    FamilySpec,
    InsteadSpec,
    MessageSpec,
    ParameterSpec,
)
from .table import Catalogue, catalogue

__all__ = [
    "Alias",
    "Catalogue",
    "CatalogueError",
    "CheckSpec",
    "Direction",
    "DoorSpec",
    "FamilySpec",
    "InsteadSpec",
    "MessageSpec",
    "ParameterSpec",
    "Reading",
    "catalogue",
]
