"""Faults that a target switches on when it is told to: over starwire's control API, or in memory.

A fault is what docs/faults.md says, as a mapping: `{"kind": "general-failure", "message": "GURL"}`.
A case aims it at a message of its own, so that no other case meets it.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

Switch = Callable[[Mapping[str, Any]], AbstractContextManager[None]]
"""Switches a fault on, and off again at the end of a `with`. Raises ControlError."""
_SECONDS = 10.0


class ControlError(Exception):
    """A fault could not be switched on or off; the text says why."""


def control(url: str) -> Switch:
    """The switch of the control API at that URL."""
    base = url.rstrip("/")

    @contextmanager
    def switched_on(fault: Mapping[str, Any]) -> Iterator[None]:
        number = _asked("POST", f"{base}/faults", fault)["id"]
        try:
            yield
        finally:
            _asked("DELETE", f"{base}/faults/{number}")

    return switched_on


def _asked(method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
    """The JSON of the answer; None for an answer without a body."""
    try:
        asked = urllib.request.Request(
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:
            octets = answer.read()
        return json.loads(octets) if octets else None
    except urllib.error.HTTPError as error:
        with error:
            told = error.read(300).decode("utf-8", "replace")
        raise ControlError(f"{method} {url} is answered {error.code}: {told}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ControlError(f"{method} {url}: {getattr(error, 'reason', error)}") from None
