"""The key that signs the heads of the audit trail, and the public keys to hold them to (ENC-02)."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from .configuration import ConfigurationError
from .whole import write_first, write_whole

KEY_FILE = "audit.key"
PUBLIC_FILE = "audit.pub"


def audit_key(folder: Path, given: str = "") -> Ed25519PrivateKey:
    """The key of the file `given`, or that of the state folder, which is made on first use.

    Its public key is added to the folder's `audit.pub`, which has every key that was ever used
    there. Raises ConfigurationError, OSError.
    """
    path = Path(given) if given else folder / KEY_FILE
    if not given and not path.exists():
        made = Ed25519PrivateKey.generate()
        text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_first(path, text, 0o600)
    key = _read(path, "audit.key_file " if given else "")
    _publish(folder / PUBLIC_FILE, key.public_key())
    return key


def _read(path: Path, what: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigurationError(f"{what}{path}: {error.strerror}") from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            f"{what}{path}: is no Ed25519 key in PEM without a password; "
            "make one with `openssl genpkey -algorithm ed25519`"
        )
    return key


def _publish(path: Path, key: Ed25519PublicKey) -> None:
    text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    known = path.read_bytes() if path.exists() else b""
    if text not in known:
        write_whole(path, known + text, 0o644)
