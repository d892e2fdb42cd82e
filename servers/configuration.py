"""What a deployment sets besides the wire: costs, limits of trust, switches (`--config FILE`)."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from starwire.protocol.profile import translated
from starwire.protocol.sealing import LinkKeys, load_link_keys

from .fault import Fault
from .passwords import PasswordCost

T = TypeVar("T")
_LEAST_PART = 16_384
"""A part of a recording holds its header, some 3,000 octets, and then something."""


class ConfigurationError(ValueError):
    """A configuration file that cannot be used; the text names the key."""


class Logon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """WEB-04: what a wrong password costs."""

    cost: PasswordCost = msgspec.field(default_factory=PasswordCost)
    failures: int = 5
    wait_seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.failures < 1:
            raise ValueError("failures: must be 1 or more")
        if self.wait_seconds < 0:
            raise ValueError("wait_seconds: must not be below 0")


class Native(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """HDR-08: the addresses from which servers may connect to the native ports and the jar."""

    peers: tuple[str, ...] = ("127.0.0.1", "::1")


class ReportManagerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the Report Manager is told of the fulfilling servers."""

    fulserver: bool = False
    """Whether NRL must name its fulfilling server (CAT-03)."""
    servers: tuple[str, ...] = ("ODS", "TVS")
    """Those that there are; an ARD for another one's template is refused (6116)."""


class Links(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """ENC-01: the file of the two links' keys; empty: the inner hops are not encrypted."""

    key_file: str = ""


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many transactions the control API can still show; the oldest go first."""

    entries: int = 1000
    octets: int = 16_777_216
    """Of all messages together."""
    message_octets: int = 65_536
    """Of one message; of a longer one the beginning is kept."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: must not be below 0")


class ControlSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The control API: where it listens, whatever `--host` says, and what it keeps."""

    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()
    """Further host names by which it may be called, beside its address and those of loopback."""
    body_octets: int = 1_048_576
    journal: JournalSettings = msgspec.field(default_factory=JournalSettings)

    def __post_init__(self) -> None:
        if self.body_octets < 1:
            raise ValueError("body_octets: must be 1 or more")


class CapacitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one process takes on at a time; beyond it requests get status 111."""

    connections: int = 10_000
    """Of one port. At twice as many, no more are accepted."""
    transactions: int = 2_048
    """Under way at one port."""
    octets: int = 268_435_456
    """Held for all peers together: unfinished requests, and replies that they do not read."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: must be 1 or more")


class RecordingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`serve --record FOLDER`: the octets behind which a part is finished and compressed."""

    part_octets: int = 67_108_864

    def __post_init__(self) -> None:
        if self.part_octets < _LEAST_PART:
            raise ValueError(f"part_octets: must be {_LEAST_PART} or more")


class AuditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """ENC-02: whether transactions are recorded, and the file of the key that signs; empty: the
    state folder has one.
    """

    enabled: bool = True
    key_file: str = ""


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting has a default; a file gives what differs."""

    logon: Logon = msgspec.field(default_factory=Logon)
    native: Native = msgspec.field(default_factory=Native)
    rm: ReportManagerSettings = msgspec.field(default_factory=ReportManagerSettings)
    links: Links = msgspec.field(default_factory=Links)
    audit: AuditSettings = msgspec.field(default_factory=AuditSettings)
    control: ControlSettings = msgspec.field(default_factory=ControlSettings)
    capacity: CapacitySettings = msgspec.field(default_factory=CapacitySettings)
    recording: RecordingSettings = msgspec.field(default_factory=RecordingSettings)
    seed: int = 0
    """What the faults draw from."""
    faults: tuple[Fault, ...] = ()
    """The faults that are switched on from the start (docs/faults.md)."""
    file_root: str = ""
    """Where the Inbox's files lie; empty: the folder `files` of the state folder."""


def load_configuration(text: str) -> Configuration:
    """The configuration that the TOML `text` describes. Raises ConfigurationError."""
    return _decoded(text, Configuration)


def read_configuration(path: Path) -> Configuration:
    """The configuration of a file. Raises ConfigurationError, OSError included in its words."""
    try:
        return load_configuration(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def read_link_keys(configuration: Configuration) -> LinkKeys | None:
    """The keys of the links `web` and `proxy`; None where they are not encrypted.

    Raises ConfigurationError.
    """
    path = configuration.links.key_file
    if not path:
        return None
    try:
        return load_link_keys(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"links.key_file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"links.key_file {path}: is not UTF-8 text") from None
    except ValueError as error:
        raise ConfigurationError(f"links.key_file {path}: {error}") from None


def _decoded(text: str, kind: type[T]) -> T:
    """The value that TOML describes. Raises ConfigurationError, which names the key."""
    try:
        return msgspec.toml.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(str(translated(str(error), ""))) from None
    except (msgspec.DecodeError, ValueError) as error:
        raise ConfigurationError(f"not TOML: {error}") from None
