"""Identity: whose session a frame belongs to, and whose ids its message may name (HDR-11)."""

from __future__ import annotations

from ..case import case
from ..expecting import bare, code, satisfies, status
from ..peer import Peer

_ABSENT = "2147483646"
"""An id that nobody has."""
_CHAIN_TO_RM = ("rm", "dispatcher", "web")


def _same_as_absent(peer: Peer, form: str, theirs: str, number: int) -> None:
    """Another's id and one that does not exist get the same reply, octet for octet."""
    for id in (theirs, _ABSENT):
        peer.ask(peer.request(form.format(id).encode()), status(100), code(number))
    replies = {peer.ask(peer.request(form.format(id).encode())).data for id in (theirs, _ABSENT)}
    replies = {reply.replace(theirs.encode(), _ABSENT.encode()) for reply in replies}
    peer.must(len(replies) == 1, "the same reply", " and ".join(map(repr, sorted(replies))))


# ---- at the Report Manager and the scheduler -----------------------------------------------------


@case("identity.userid.rm", rules="HDR-11", places=_CHAIN_TO_RM)
def userid_of_another(peer: Peer) -> None:
    """A USERID that is not the session's is 6115, be it a colleague's, another customer's or
    nobody's."""
    names = [peer.grounds.user(use).userid for use in ("colleague", "other")]
    entpid = peer.grounds.user().entpid
    for name in (*names, "nobody"):
        text = f"GURL<USERID={name},RPTTMPID=1,ENTPID={entpid},PRODUCT=T,DATACAT=U>"
        peer.ask(peer.request(text.encode()), status(100), code(6115))


@case("identity.entpid.rm", rules="HDR-11", places=_CHAIN_TO_RM)
def entpid_of_another(peer: Peer) -> None:
    """An ENTPID that is not the session's is 6115."""
    user, other = peer.grounds.user(), peer.grounds.user("other")
    text = f"GURL<USERID={user.userid},RPTTMPID=1,ENTPID={other.entpid},PRODUCT=T,DATACAT=U>"
    peer.ask(peer.request(text.encode()), status(100), code(6115))


@case("identity.ard", rules="HDR-11", places=("rm", "rm-native"))
def report_for_another(peer: Peer) -> None:
    """An ARD for somebody who is not the customer is 6115: another one through a session, nobody
    at a native port."""
    name = "nobody" if peer.place == "rm-native" else peer.grounds.user("colleague").userid
    own = f"USERID={peer.grounds.user().userid}".encode()
    message = peer.grounds.good("ARD").replace(own, b"USERID=%b" % name.encode())
    peer.ask(peer.request(message), code(6115))


@case("identity.product", rules="HDR-11", places=("rm", "rm-native"))
def template_of_another_product(peer: Peer) -> None:
    """An STDRPTID that is no template of the PRODUCT is 6115."""
    message = peer.grounds.good("ARD").replace(b"STDRPTID=90", b"STDRPTID=9999")
    peer.ask(peer.request(message), code(6115))
    message = peer.grounds.good("ARD/traffic").replace(b"PRODUCT=T", b"PRODUCT=C")
    peer.ask(peer.request(message), code(6115))


@case("identity.template", rules="HDR-11", places=("rm", "rm-native"), rests="CAT-05 ERR-03 SYN-05")
def template_that_there_is_not(peer: Peer) -> None:
    """The id of a template that does not exist is 6109 where it is not that of an ARD."""
    user = peer.grounds.user()
    own = f"USERID={user.userid},RPTTMPID={_ABSENT},ENTPID={user.entpid}"
    for text in (
        f"GRTD<REPORTID={_ABSENT}>",
        f"GURL<{own},PRODUCT=T,DATACAT=U>",
        f"GPL<PL_FIELDS,RPTTMPID={_ABSENT}>",
    ):
        peer.ask(peer.request(text.encode()), code(6109))


@case("identity.report", rules="HDR-11", places=("rm",))
def report_of_another(peer: Peer) -> None:
    """The id of another's report and one that does not exist get the same 6109."""
    for use in ("colleague", "other"):
        theirs = peer.grounds.report(use)
        _same_as_absent(peer, "GURD<REPORTID={}>", theirs, 6109)
        _same_as_absent(peer, "CRD<USERRPTID={},NAME=Copy>", theirs, 6109)
        userid = peer.grounds.user().userid
        _same_as_absent(peer, f"DRD<USERID={userid},USERRPTID={{}}>", theirs, 6109)


@case("identity.schedule", rules="HDR-11", places=("rs",))
def schedule_of_another(peer: Peer) -> None:
    """The status of another's report is not changed: 6109, as for one that does not exist."""
    _same_as_absent(peer, "URS<USERRPTID={},ACTIVE=0>", peer.grounds.report("colleague"), 6109)


@case("identity.owner", rules="HDR-11", places=("rm-native",), rests="CAT-07")
def owner_at_a_native_port(peer: Peer) -> None:
    """DRD on a native port needs a USERID that is a user, else 6115, and the owner, else 6109."""
    report, colleague = peer.grounds.report(), peer.grounds.user("colleague").userid
    peer.ask(f"DRD<USERID=nobody,USERRPTID={report}>".encode(), code(6115))
    peer.ask(f"DRD<USERID={colleague},USERRPTID={report}>".encode(), code(6109))
    peer.ask(f"DRD<USERID={peer.grounds.user().userid},USERRPTID={report}>".encode(), code(0))


# ---- at the Inbox --------------------------------------------------------------------------------

_AT_INBOX = ("inbox", "inbox-native")


@case("identity.inbox", rules="HDR-11", places=_AT_INBOX)
def ids_at_the_inbox(peer: Peer) -> None:
    """Ids that are not the session's, or at a native port no customer's, are 5131 in L, 5141 in D
    and 5111 in U."""
    user, other = peer.grounds.user(), peer.grounds.user("other")
    pairs = [(other.userid, user.entpid), (user.userid, other.entpid), ("nobody", user.entpid)]
    if peer.place == "inbox":
        pairs += [
            (other.userid, other.entpid),
            (peer.grounds.user("colleague").userid, user.entpid),
        ]
    for userid, entpid in pairs:
        for text, number in (
            (f"L<ENTPID={entpid},USERID={userid},CATEGORY=R>", 5131),
            (f"D<USERID={userid},ENTPID={entpid}>", 5141),
            (f"U<ENTPID={entpid},USERID={userid},INBOXID={_ABSENT},TTL=9>", 5111),
        ):
            peer.ask(peer.request(text.encode()), code(number))


@case("identity.add", rules="HDR-11", places=("inbox-native",))
def item_for_nobody(peer: Peer) -> None:
    """A for ids that name no customer is 5153."""
    own = f"USERID={peer.grounds.user().userid}".encode()
    message = peer.grounds.good("A").replace(own, b"USERID=nobody")
    peer.ask(message, code(5153))


@case("identity.item", rules="HDR-11", places=("inbox",), rests="CAT-06")
def item_of_another(peer: Peer) -> None:
    """The id of another's item and one that does not exist get the same: 5100 in F and U, 5125
    in D."""
    user = peer.grounds.user()
    own = f"ENTPID={user.entpid},USERID={user.userid}"
    theirs = peer.grounds.item("colleague")
    _same_as_absent(peer, "F<INBOXID={}>", theirs, 5100)
    _same_as_absent(peer, f"U<{own},INBOXID={{}},TTL=9>", theirs, 5100)
    _same_as_absent(peer, "D<INBOXID={}>", theirs, 5125)


@case("identity.item.left", rules="HDR-11", places=("inbox",), rests="CAT-06")
def item_of_another_is_left(peer: Peer) -> None:
    """What was refused to a stranger has changed nothing: the owner still finds the item."""
    theirs = peer.grounds.item("colleague")
    peer.ask(peer.request(f"D<INBOXID={theirs}>".encode()), code(5125))
    draft = peer.request(f"F<INBOXID={theirs}>".encode(), use="colleague")
    peer.ask(draft, status(0), code(0))


# ---- the dispatcher's header and entitlement -----------------------------------------------------


@case("identity.dispatcher", rules="DSP-01", places=("dispatcher",))
def identity_of_another(peer: Peer) -> None:
    """A user id or enterprise id in the header that is not the session's is 105."""
    other = peer.grounds.user("other")
    for fields in (
        {"user_id": other.userid},
        {"enterprise_id": other.entpid},
        {"user_id": ""},
        {"user_id": other.userid, "enterprise_id": other.entpid},
    ):
        peer.ask(peer.probe().with_(**fields), status(105), bare())


@case("identity.dispatcher.nuls", rules="DSP-01", places=("dispatcher",), after="logon.open")
def identity_before_the_logon(peer: Peer) -> None:
    """Under a key of NULs user id and enterprise id are not looked at."""
    user = peer.grounds.user()
    text = f"VUM<USERID={user.userid},PASSWORD={user.password}>".encode("latin-1")
    draft = peer.request(text, key="", target="STAROE")
    peer.ask(draft.with_(user_id="nobody", enterprise_id="99999999"), status(0), code(0))


@case(
    "identity.entitled",
    rules="DSP-03",
    places=("dispatcher", "web"),
    after="sanity.probe session.several",
)
def not_entitled(peer: Peer) -> None:
    """A target that the user is not entitled to is a bare 104; STAROE is open to every session."""
    userid = peer.grounds.user("visitor").userid
    for target in ("RM", "RS", "INBOX"):
        peer.ask(peer.request(b"GRTL<>", use="visitor", target=target), status(104), bare())
    draft = peer.request(f"GUA<USERID={userid}>".encode(), use="visitor", target="STAROE")
    peer.ask(draft, satisfies("an answer of StarOE", lambda reply: reply.status in (0, 100)))


@case("identity.fulfilling", rules="DSP-03", places=("dispatcher", "web"))
def fulfilling_servers(peer: Peer) -> None:
    """ODS and TVS are open to no session: 104."""
    for target in ("ODS", "TVS"):
        peer.ask(peer.request(b"ARD<>", target=target), status(104), bare())


@case("identity.targets", rules="DSP-02 DSP-03", places=("dispatcher", "web"))
def unknown_target(peer: Peer) -> None:
    """A target that is none of the six, compared exactly, is a bare 103."""
    for target in ("rm", "RMX", "", "STAR", " RM"):
        peer.ask(peer.request(b"GRTL<>", target=target), status(103), bare())
