"""The emulator in memory: see `emulator.MemoryEmulator`."""

from .connection import MemoryConnection
from .emulator import ALL_BUT_CONTROL, MemoryEmulator

__all__ = ["ALL_BUT_CONTROL", "MemoryConnection", "MemoryEmulator"]
