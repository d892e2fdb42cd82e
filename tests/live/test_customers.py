"""Customers over HTTPS: logon, sessions, identity, and what HTTP itself refuses."""

import http.client
import ssl
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from starwire.harness.client import LogonRefused

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"


def post(
    chain: Any, body: bytes, *, method: str = "POST", path: str = "/nmci", **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """One HTTP exchange, whatever it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(
        chain.emulator.places["web"], timeout=10, context=context
    )
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()


def error_of(client: Any, message: bytes, proxy: str = "RM") -> tuple[int, str]:
    reply = client.send(message, proxy=proxy)
    return reply.status, reply.message()["ERROR"].value.scalar if reply.data else ""


@pytest.mark.parametrize(
    ("user", "password"),
    [("jeanvnet2", "wrong"), ("nobody", "interact"), ("JEANVNET2", "interact")],
)
def test_a_wrong_logon_is_refused_alike(chain: Any, user: str, password: str) -> None:
    with chain.client("web") as client, pytest.raises(LogonRefused):
        client.logon(user, password)


def test_five_failures_make_the_account_wait_even_for_the_right_password(chain: Any) -> None:
    for user in ("dorod", "nobody-at-all"):
        for password in ["wrong"] * 5 + ["interact"]:
            with chain.client("web") as client, pytest.raises(LogonRefused):
                client.logon(user, password)
    time.sleep(2.1)
    with chain.customer("dorod") as client:
        assert error_of(client, GRTL) == (0, "0")


def test_several_sessions_of_one_user_and_their_ends(chain: Any) -> None:
    with chain.customer() as one, chain.customer() as two:
        assert one.session.key != two.session.key
        assert len(one.session.key) == chain.profile.common.session_key.width
        ended = one.session
        assert one.logoff().status == 0
        one.session = ended
        assert error_of(one, GRTL) == (105, "")
        assert one.logoff().status == 105
        assert error_of(two, GRTL) == (0, "0")


@pytest.mark.parametrize(
    ("message", "proxy", "answer"),
    [
        (b"GUA<USERID=dorod>", "STAROE", b"GUAA<ERROR=6115>"),
        (
            b"GURL<USERID=dorod,RPTTMPID=40,ENTPID=00022924,PRODUCT=T,DATACAT=P>",
            "RM",
            b"SURL<ERROR=6115>",
        ),
        (b"DRD<USERID=dorod,USERRPTID=3415>", "RM", b"DRDA<ERROR=6115>"),
        (b"GURD<REPORTID=3415>", "RM", b"SURD<ERROR=6109>"),
        (b"GURD<REPORTID=999999>", "RM", b"SURD<ERROR=6109>"),
        (b"DRD<USERID=jeanvnet2,USERRPTID=3415>", "RM", b"DRDA<ERROR=6109>"),
        (b"CRD<USERRPTID=3415,NAME=x>", "RM", b"CRDA<ERROR=6109>"),
        (b"URS<USERRPTID=3415,ACTIVE=1>", "RS", b"URSA<ERROR=6109>"),
        (b"GPL<PL_HIER,USERRPTID=3415>", "RM", b"GPLA<ERROR=6109>"),
        (b"L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R>", "INBOX", b"Z<REQ=L,ERROR=5131>"),
        (b"D<USERID=LynneLevy2,ENTPID=10324488>", "INBOX", b"Z<REQ=D,ERROR=5141>"),
        (b"D<INBOXID=1>", "INBOX", b"Z<REQ=D,ERROR=5125>"),
        (b"F<INBOXID=1>", "INBOX", b"Z<REQ=F,ERROR=5100>"),
        (
            b"U<ENTPID=10324488,USERID=LynneLevy2,INBOXID=1,TTL=9>",
            "INBOX",
            b"Z<REQ=U,ERROR=5111>",
        ),
        (b"A<CATEGORY=R>", "INBOX", b"Z<REQ=A,ERROR=5103>"),
        (b"NRL<TYPE=x>", "RM", b"NRL<ERROR=6104>"),
        (b"GRTL<>", "RS", b"GRTL<ERROR=6104>"),
        (b"CKG<KEY=x>", "RM", b"CKG<ERROR=6104>"),
    ],
)
def test_another_customer_s_ids_look_like_none(
    chain: Any, message: bytes, proxy: str, answer: bytes
) -> None:
    with chain.customer() as client:
        reply = client.send(message, proxy=proxy)
    assert (reply.status, reply.data) == (100, answer)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (b"", b"<ERROR=6611>"),
        (b"GRTL", b"<ERROR=6611>"),
        (b"GRTL<PRODUCT=V", b"GRTL<ERROR=6612>"),
        (b"GRTL<PRODUCT=V>>", b"GRTL<ERROR=6612>"),
        (b"GRTL<PRODUCT=V>x", b"GRTL<ERROR=6611>"),
        (b"GRTL" + b"<" * 65 + b">" * 65, b"GRTL<ERROR=6102>"),
        (b"GRTL<" + b"," * 65_537 + b">", b"GRTL<ERROR=6102>"),
        (b"A2345678<>", b"A2345678<ERROR=6104>"),
        (b"A23456789<>", b"<ERROR=6104>"),
        (b"\xff\x00<>", b"\xff\x00<ERROR=6104>"),
        (b"GRTL<NONE=1>", b"SRTL<ERROR=6610>"),
        (b"GRTL<>", b"SRTL<ERROR=6827>"),
        (b"GRTL<PRODUCT=,DATATYPE=R,DATACAT=P,IO=O>", b"SRTL<ERROR=6828>"),
        (b"GRTL<PRODUCT=F,DATATYPE=R,DATACAT=P,IO=O>", b"SRTL<ERROR=6103>"),
    ],
)
def test_a_bad_message_gets_its_code(chain: Any, message: bytes, answer: bytes) -> None:
    with chain.customer() as client:
        reply = client.send(message)
    assert (reply.status, reply.data) == (100, answer)


def test_every_octet_that_is_no_delimiter_survives_in_a_name(chain: Any) -> None:
    name = bytes(octet for octet in range(256) if octet not in b"<>,\x01 \t\r\n")
    for half in (name[:100], name[100:200], name[200:]):
        with chain.customer() as client:
            added = client.send(
                b"ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=" + half + b",PRODUCT=S,"
                b"CATEGORY=Analyze Traffic,SCHEDTYPE=R,TIMEZONE=45,"
                b"BILLING=INBOUND<<90000003,90000003><NA,NA><NA,NA>>,EMAIL=0,PAGE=0>"
            )
            assert added.message()["ERROR"].value.scalar == "0"
            report = added.message()["USERRPTID"].value.scalar.encode()
            listed = client.send(
                b"GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>"
            )
            # A member cannot hold "~" or "=": a blank stands in its place (CAT-05).
            shown = half.replace(b"~", b" ").replace(b"=", b" ")
            assert b"<" + shown + b"," + report + b"," in listed.data
            client.send(b"DRD<USERID=jeanvnet2,USERRPTID=" + report + b">")


@pytest.mark.parametrize("length", [0, 1, 32, 58])
def test_a_short_body_is_http_400(chain: Any, length: int) -> None:
    status, said, _ = post(chain, b"\x01" * length)
    assert status == 400
    assert said.startswith(b"the body is shorter than its two headers")


def test_an_unknown_transaction_type_is_http_400(chain: Any) -> None:
    status, said, _ = post(chain, b"\x09" * 200)
    assert (status, said) == (400, b"transaction type 9 is none of 0, 1, 2\n")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_another_method_is_http_405(chain: Any, method: str) -> None:
    status, said, headers = post(chain, b"", method=method)
    assert (status, said) == (405, b"the wire takes POST only\n")
    assert headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["http://h/nmci", "https://h:1/nmci", "/nmci?x=1"])
def test_the_path_may_be_written_in_other_forms(chain: Any, path: str) -> None:
    assert post(chain, b"x", path=path)[0] == 400
    assert post(chain, b"x", path="http://h")[0] == 404


def test_another_path_is_http_404(chain: Any) -> None:
    status, said, _ = post(chain, b"x", path="/other")
    assert (status, said) == (404, b"the wire is at /nmci\n")


def test_a_body_beyond_the_limit_is_http_413_before_it_is_sent(chain: Any) -> None:
    status, said, _ = post(chain, b"x", **{"Content-Length": "4000000000"})
    assert status == 413
    assert said.startswith(b"the body is longer than")


def test_a_chunked_body_beyond_the_limit_is_http_413(chain: Any) -> None:
    def chunks() -> Any:
        for _ in range(40):
            yield b"x" * 500_000

    status, _, _ = post(chain, chunks())  # type: ignore[arg-type]
    assert status == 413


def test_the_cookie_serves_where_the_header_is_empty(chain: Any) -> None:
    with chain.customer() as client:
        client.send(GRTL)
        body, key = bytearray(client.sent), client.session.key
    width = chain.profile.web.session_key.width
    body[1 : 1 + width] = bytes(width)
    status, said, headers = post(chain, bytes(body), Cookie=f"other=1; nmci={key}")
    assert status == 200
    assert b"SRTL<ERROR=0," in said
    cookie = headers["Set-Cookie"]
    assert cookie.startswith(f"nmci={key};")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    _, said, headers = post(chain, client.sent, Cookie="nmci=somebody-else")
    assert b"SRTL" not in said
    assert headers["Set-Cookie"].startswith("nmci=;")


def allow_only(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    """Nothing but an old version of TLS; Python warns of that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = version
        context.maximum_version = version


def test_tls_before_1_2_is_refused(chain: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    allow_only(context, ssl.TLSVersion.TLSv1_1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    connection = http.client.HTTPSConnection(
        chain.emulator.places["web"], timeout=10, context=context
    )
    with pytest.raises(ssl.SSLError):
        connection.request("POST", "/nmci", b"")


Start = Callable[..., Any]


def test_a_client_of_1998_is_served_where_the_profile_allows_it(start_chain: Start) -> None:
    chain = start_chain('extends = "default"\nname = "old"\nallow_old_tls = true\n')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    allow_only(context, ssl.TLSVersion.TLSv1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    connection = http.client.HTTPSConnection(
        chain.emulator.places["web"], timeout=10, context=context
    )
    connection.request("POST", "/nmci", b"")
    assert connection.sock.version() == "TLSv1"
    assert connection.getresponse().status == 400
    connection.close()


def test_plain_http_is_served_where_the_profile_allows_it(start_chain: Start) -> None:
    from starwire.harness.client import Client

    chain = start_chain('extends = "default"\nname = "plain"\nallow_plain_http = true\n')
    with Client(f"http://{chain.emulator.places['web']}/nmci", profile=chain.profile) as client:
        client.logon("jeanvnet2", "interact")
        assert error_of(client, GRTL) == (0, "0")
