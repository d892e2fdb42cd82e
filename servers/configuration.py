"""What a deployment sets besides the wire: costs, limits of trust, switches (`--config FILE`)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .passwords import PasswordCost


class ConfigurationError(ValueError):
    """A configuration file that cannot be used; the text names the key."""


class Logon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """WEB-04: what a wrong password costs."""

    cost: PasswordCost = msgspec.field(default_factory=PasswordCost)
    failures: int = 5
    wait_seconds: float = 60.0


class Native(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """HDR-08: the addresses from which servers may connect to the native ports and the jar."""

    peers: tuple[str, ...] = ("127.0.0.1", "::1")


class ReportManagerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rm.fulserver`: whether NRL must name its fulfilling server (CAT-03)."""

    fulserver: bool = False


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting has a default; a file gives what differs."""

    logon: Logon = msgspec.field(default_factory=Logon)
    native: Native = msgspec.field(default_factory=Native)
    rm: ReportManagerSettings = msgspec.field(default_factory=ReportManagerSettings)
    file_root: str = ""
    """Where the Inbox's files lie; empty: the folder `files` of the state folder."""


def load_configuration(text: str) -> Configuration:
    """The configuration that the TOML `text` describes. Raises ConfigurationError."""
    try:
        return msgspec.toml.decode(text, type=Configuration)
    except (msgspec.DecodeError, ValueError) as error:
        raise ConfigurationError(str(error)) from None


def read_configuration(path: Path) -> Configuration:
    """The configuration of a file. Raises ConfigurationError, OSError included in its words."""
    try:
        return load_configuration(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
