"""HTTP around a body, as the cases of the web server write and read it (WEB-01, WEB-03)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from starwire.protocol.profile import Profile

from ..transcript import Draft, Received
from .expecting import Expectation, satisfies


def post(
    profile: Profile,
    body: Draft | bytes,
    *,
    method: str = "POST",
    path: str = "",
    version: str = "1.1",
    cookies: Iterable[str] = (),
    headers: Iterable[str] = (),
    length: int | None = None,
    chunks: Iterable[int] = (),
) -> bytes:
    """A request of HTTP with that body.

    `cookies` are values of the profile's cookie, in their order; `headers` are whole lines;
    `length` is what Content-Length says, if not the truth. With `chunks` the body goes in chunks,
    cut at these offsets, and has no Content-Length.
    """
    octets = body.octets if isinstance(body, Draft) else body
    lines = [f"{method} {path or profile.web_path} HTTP/{version}", "Host: starwire", *headers]
    values = list(cookies)
    if values:
        lines.append("Cookie: " + "; ".join(f"{profile.cookie}={value}" for value in values))
    cuts = tuple(chunks)
    if cuts:
        lines.append("Transfer-Encoding: chunked")
        octets = chunked(octets, cuts) + LAST_CHUNK
    else:
        lines.append(f"Content-Length: {len(octets) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + octets


LAST_CHUNK = b"0\r\n\r\n"


def chunked(octets: bytes, cuts: Iterable[int]) -> bytes:
    """The octets in chunks, cut at these offsets, without the last, empty one."""
    pieces = [octets[start:end] for start, end in pairwise([0, *cuts, len(octets)])]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)


class Cookie(msgspec.Struct, frozen=True):
    """What a response says of the profile's cookie."""

    value: str
    attributes: dict[str, str]
    """Their names in lower case; "" for one without a value."""


def cookie_in(profile: Profile, reply: Received) -> Cookie | None:
    """The cookie that a response sets; None if it says nothing of it."""
    for name, value in reply.http_headers:
        first, *rest = (part.strip() for part in value.split(";"))
        if name.lower() == "set-cookie" and first.startswith(f"{profile.cookie}="):
            pairs = (part.partition("=") for part in rest)
            attributes = {key.strip().lower(): said.strip() for key, _, said in pairs}
            return Cookie(first.partition("=")[2], attributes)
    return None


def header_of(reply: Received, name: str) -> str | None:
    """The value of a header of HTTP; None if it is not there."""
    return next((value for key, value in reply.http_headers if key.lower() == name.lower()), None)


def gives_key(profile: Profile, key: str) -> Expectation:
    """The reply is one under a live session: its key in the web header and in the cookie."""

    def holds(reply: Received) -> bool:
        cookie = cookie_in(profile, reply)
        said = reply.fields.get("web_session_key")
        return said == key and cookie is not None and cookie.value == key

    return satisfies(f"the key {key} in the web header and in the cookie", holds, "session_key")


def gives_no_key(profile: Profile) -> Expectation:
    """A key of NULs, and no key in the cookie."""

    def holds(reply: Received) -> bool:
        cookie = cookie_in(profile, reply)
        return reply.fields.get("web_session_key") == "" and (cookie is None or not cookie.value)

    return satisfies("a key of NULs, and none in the cookie", holds, "session_key")


def takes_cookie(profile: Profile) -> Expectation:
    """The cookie is taken away: empty, Max-Age=0."""

    def holds(reply: Received) -> bool:
        cookie = cookie_in(profile, reply)
        return cookie is not None and not cookie.value and cookie.attributes.get("max-age") == "0"

    return satisfies("the cookie taken away, empty and with Max-Age=0", holds)


def leaves_cookie(profile: Profile) -> Expectation:
    """The cookie is not taken away."""

    def holds(reply: Received) -> bool:
        cookie = cookie_in(profile, reply)
        return cookie is None or (bool(cookie.value) and "max-age" not in cookie.attributes)

    return satisfies("the cookie not taken away", holds)
