"""What the machines know of the world before they begin: users, sessions, items, messages."""

from __future__ import annotations

import random

from msgspec import Struct

ADD = (
    "ARD<USERID={user.name},ENTPID={user.enterprise},STDRPTID=90,NAME={name},PRODUCT=S,"
    "CATEGORY=Analyze Traffic,SCHEDTYPE=R,TIMEZONE=45,"
    "BILLING=INBOUND<<{user.number},{user.number}><NA,NA><NA,NA>>,EMAIL=0,PAGE=0>"
)
LIST = "GURL<USERID={user.name},RPTTMPID=90,ENTPID={user.enterprise},PRODUCT=S,DATACAT=P>"
DELETE = "DRD<USERID={user.name},USERRPTID={report}>"
SWITCH = "URS<USERRPTID={report},ACTIVE={active}>"
TEMPLATES = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
FETCH = "F<INBOXID={item}>"
PUT = (
    "A<CATEGORY=R,TYPE=D,REQUESTID=1,USERID={user.name},RPTID=3415,PRIORITY=1,COMPRESS=0,"
    "UNOTIFY=0,MMADDR=,MMTEXT=,PGT=,PGPIN=,PGTXT=,RPTCATEGORY=X,LOC={loc},"
    "ENTPID={user.enterprise},RQSTDT=1998-08-24 10:00,FSIZE={size},RPTTITLE=t,MSIZE=0,ERRFLAG=0>"
)


class User(Struct, frozen=True):
    """A customer, and the number that may stand in BILLING."""

    name: str
    enterprise: str
    number: str


JEAN = User("jeanvnet2", "00022924", "90000003")
DOROD = User("dorod", "00022924", "90000003")
LYNNE = User("LynneLevy2", "10324488", "99920046")
SESSIONS = (JEAN, JEAN, DOROD, LYNNE)
"""Whose they are; one user has two."""


class Session(Struct, frozen=True):
    """A session that lasts."""

    key: str
    user: User


class Item(Struct, frozen=True):
    """An Inbox item and the file behind it."""

    number: str
    user: User
    octets: bytes


class Ground(Struct, frozen=True):
    """What every machine stands on."""

    sessions: tuple[Session, ...]
    items: tuple[Item, ...]
    templates: bytes
    """The answer to TEMPLATES."""


def files(unit: int) -> list[tuple[User, bytes]]:
    """The files of the items: less than a unit, just one, and many of them."""
    chance = random.Random(1998)
    sizes = ((JEAN, unit // 3), (JEAN, unit * 9 + 77), (DOROD, unit), (LYNNE, unit * 5 + 1))
    return [(user, chance.randbytes(size)) for user, size in sizes]


def serials_in(lines: list[str]) -> list[int]:
    """The serials that the dispatcher gave, of lines of the log."""
    words = (line.split() for line in lines if line.startswith("hop=dispatcher "))
    told = [word for line in words for word in line if word.startswith("serial=")]
    return [int(word.partition("=")[2]) for word in told]


def profile_text(
    unit: int, ports: dict[str, dict[str, int]], *, multiplex: bool, ping: int = 5
) -> str:
    """A wire profile under which little is much and not long is long."""
    lines = [
        'extends = "default"',
        'name = "interleavings"',
        f"bulk_chunk = {unit}",
        "reply_seconds = 10",
        f"ping_seconds = {ping}",
        f"multiplex = {str(multiplex).lower()}",
        "[registry]",
    ]
    for target, port in (("RM", "rm"), ("RS", "rs"), ("INBOX", "inbox")):
        places = [f'"127.0.0.1:{ports[process][port]}"' for process in ("one", "two")]
        lines.append(f"{target} = [{', '.join(places)}]")
    return "\n".join(lines) + "\n"
