"""Why a transaction could not be done, in one line for a person."""

from __future__ import annotations

import http.client
import socket
import ssl

from starwire.grammar import BuildError, MetadataError, strip
from starwire.protocol.frames import FrameError
from starwire.protocol.packing import HeaderError
from starwire.protocol.sealing import SealError
from starwire.protocol.status import Status


class ClientError(Exception):
    """The transaction could not be done; the text says why, in one line."""


class LogonRefused(ClientError):
    """StarOE does not know the user, or not with that password."""


class NotAReply(Exception):
    """What came back is not what the wire allows there."""


class NotDone(NotAReply):
    """An answer that says that nothing was done; its text stands alone."""


class NotOk(NotDone):
    """An HTTP status that is not 200, with the first line of what the server says about it."""

    def __init__(self, status: int, body: bytes) -> None:
        said = strip(body[:1000].decode("latin-1")).partition("\n")[0]
        # Whatever the server says must not command a terminal.
        super().__init__(f"HTTP {status} {repr(said[:200])[1:-1]}".rstrip())


UNSENDABLE = (HeaderError, BuildError)
"""What makes the octets of a request raises these for what cannot be sent."""

NO_REPLY = (NotAReply, FrameError, MetadataError, SealError)
"""What reads a reply raises these for octets that are none."""

NO_CONNECTION = (OSError, http.client.HTTPException)


def why(error: Exception) -> str:
    """The reason behind one of the above: what happened, and what can be done about it."""
    if isinstance(error, UNSENDABLE):
        return f"cannot be sent: {error}"
    if isinstance(error, NotDone):
        return str(error)
    if isinstance(error, NO_REPLY):
        return f"sends no reply of this wire: {error}"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, ssl.SSLCertVerificationError):
        return untrusted(error.verify_message)
    if isinstance(error, ssl.SSLError):
        return no_tls(error.reason or str(error))
    if isinstance(error, http.client.BadStatusLine):
        return f"sends no HTTP: {str(error)[:60]!r}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "does not answer in time"),
    (ConnectionRefusedError, "nobody listens there; is the server started?"),
    (socket.gaierror, "there is no such host"),
    (http.client.RemoteDisconnected, "closes the connection without a reply"),
    (http.client.IncompleteRead, "closes the connection inside its reply"),
    (ConnectionResetError, "closes the connection without a reply"),
    (BrokenPipeError, "closes the connection without a reply"),
)


def status_words(status: int | None) -> str:
    """A status with the word that it stands for."""
    if status is None:
        return "no status"
    word = Status(status).name.lower().replace("_", " ") if status in tuple(Status) else "unknown"
    return f"status {status}, {word}"


def untrusted(reason: str) -> str:
    """For a certificate that does not verify."""
    return f"its certificate is not trusted ({reason}); name it with --ca, or use --insecure"


def no_tls(reason: str) -> str:
    """For a handshake that fails for another reason."""
    return f"TLS fails: {reason.lower().replace('_', ' ')}"


def no_certificates(path: str, error: OSError | None) -> ClientError:
    """For a file of certificates that holds none, or cannot be read."""
    reason = error.strerror if error is not None else "holds no certificate"
    return ClientError(f"{path}: {reason}; give a file of PEM certificates")
