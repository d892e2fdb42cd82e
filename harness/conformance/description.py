"""What a target is said to have: users, good requests, files; and how to reach it.

A target file is TOML. What is not in it comes from `targets/starwire.toml`, which tells the
emulator's first data:

    name = "rewrite 2.1"

    [[user]]
    use = "main"                # main, colleague, other, visitor, lockout
    userid = "jeanvnet2"
    entpid = "00022924"
    password = "interact"
    targets = ["RM", "RS", "INBOX"]

    [requests]                  # one that succeeds, for each message that it knows
    GRTL = "GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
    DRD = "DRD<USERID={userid},USERRPTID={report}>"

    [lacks]                     # rules that it does not claim, each with the reason
    TRN-03 = "no bulk transport yet"

    [limits]                    # how much it takes on, where that is known
    transactions = 2048

In a request `{userid}`, `{entpid}` and `{password}` are the user's, `{unique}` is a word that
nobody else uses, `{report}`, `{item}` and `{loc}` are a report, an Inbox item and a file that are
made for the case, `{size}` is the file's length, `{key}` the key of a session, `{newkey}` that of
one which nobody else uses.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

Use = Literal["main", "colleague", "other", "visitor", "lockout"]


class TargetFileError(ValueError):
    """A target file that cannot be used; the text names the key."""


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account of the target."""

    use: Use
    """main: whose cases are run; colleague: another of the same enterprise; other: of another
    enterprise; visitor: entitled to no target; lockout: for cases that hurt the account."""
    userid: str
    entpid: str
    password: str = ""
    targets: tuple[str, ...] = ()


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a target has."""

    name: str = ""
    user: tuple[User, ...] = ()
    requests: dict[str, str] = {}
    lacks: dict[str, str] = {}
    limits: dict[str, int] = {}
    """What it takes on at a time: `transactions` under way at one port (ERR-08)."""

    def account(self, use: Use) -> User | None:
        """The account of that use."""
        return next((user for user in self.user if user.use == use), None)

    def as_user(self, userid: str, password: str) -> Description:
        """The same, cases being run as that user; "" keeps what is there."""
        main = self.account("main")
        if main is None or not (userid or password):
            return self
        same = next((user for user in self.user if user.userid == userid), main)
        chosen = replace(same, use="main", userid=userid or main.userid)
        chosen = replace(chosen, password=password or chosen.password)
        others = tuple(user for user in self.user if user not in (main, same))
        return replace(self, user=(chosen, *others))


def described(path: Path | None) -> Description:
    """The target file laid over what the emulator has. Raises TargetFileError."""
    shipped = _shipped()
    if path is None:
        return shipped
    try:
        own = _decoded(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise TargetFileError(f"{path}: {reason}") from None
    except msgspec.DecodeError as error:
        raise TargetFileError(f"{path}: {error}") from None
    return Description(
        name=own.name or path.stem,
        user=own.user or shipped.user,
        requests={**shipped.requests, **own.requests},
        lacks=own.lacks,
        limits=own.limits,
    )


@cache
def _shipped() -> Description:
    return _decoded((files(__package__) / "targets" / "starwire.toml").read_text("utf-8"))


def _decoded(text: str) -> Description:
    return msgspec.toml.decode(text, type=Description)
