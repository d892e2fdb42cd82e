"""The cases, by what they are about: a module for each part of the wire, families among them."""

import importlib
import pkgutil


def load() -> None:
    """Import every module of this package, so that its cases are registered."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
