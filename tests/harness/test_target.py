"""What names a place, and what does not."""

import pytest

from starwire.harness.target import Target, TargetError, parse_target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://127.0.0.1:8443/nmci", Target("https", "127.0.0.1", 8443, "/nmci")),
        ("https://example.org", Target("https", "example.org", 8443, "/nmci")),
        ("https://Example.ORG/", Target("https", "example.org", 8443, "/nmci")),
        ("https://h:1/cgi-bin/x?y=z", Target("https", "h", 1, "/cgi-bin/x?y=z")),
        ("http://h/nmci", Target("http", "h", 80, "/nmci")),
        ("http://h:8443", Target("http", "h", 8443, "/nmci")),
        ("dispatcher://h", Target("dispatcher", "h", 8401)),
        ("dispatcher://h:65535/", Target("dispatcher", "h", 65535)),
        ("proxy://h:1", Target("proxy", "h", 1)),
        ("native://[::1]:8422", Target("native", "::1", 8422)),
        ("native://[0:0:0:0:0:0:0:1]:8422", Target("native", "::1", 8422)),
        ("native://a_b.c-d:08422", Target("native", "a_b.c-d", 8422)),
    ],
)
def test_a_place(text: str, target: Target) -> None:
    assert parse_target(text) == target


def test_a_place_without_a_path_has_the_profile_s() -> None:
    assert parse_target("https://h:1", web_path="/cgi").path == "/cgi"
    assert parse_target("https://h:1/own", web_path="/cgi").path == "/own"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no target: give https, http, dispatcher, proxy or native, then ://HOST:PORT"),
        ("127.0.0.1:8443", "is no target"),
        ("ftp://h:1", "is no target"),
        ("HTTPS://h:1", "is no target"),
        ("https://", "is no target"),
        ("https:///nmci", "is no target"),
        ("https://:1", "is no target"),
        ("https://u:p@h:1", "is no target"),
        ("https://h:", "is no target"),
        ("https://h:x", "is no target"),
        ("https://h:123456", "is no target"),
        ("https://h:1#f", "is no target"),
        ("https://::1:1", "is no target"),
        ("https://[::1:1", "is no target"),
        ("https://a b:1", "is no target"),
        ("native://[h]:1", "is no target"),
        ("native://[:::1]:1", ":::1 is no host"),
        ("native://a..b:1", "a..b is no host"),
        (f"native://{'a' * 64}:1", "is no host"),
        ("native://h", "give a port, native://HOST:PORT"),
        ("proxy://h", "give a port, proxy://HOST:PORT"),
        ("https://h:0", "a port is a number from 1 to 65535"),
        ("native://h:65536", "a port is a number from 1 to 65535"),
        ("native://h:1/nmci", "only https and http targets have a path"),
        ("https://h:1/a b", "a path has no blanks, no # and ASCII letters only"),
        ("https://h:1/a\x1bb", "a path has no blanks"),
        ("https://h:1/é", "a path has no blanks"),
        ("https://h:1/a#b", "a path has no blanks"),
    ],
)
def test_no_place(text: str, reason: str) -> None:
    with pytest.raises(TargetError) as refused:
        parse_target(text)
    assert str(refused.value).startswith(repr(text))
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["https://h:1/nmci", "http://[::1]:80/x", "dispatcher://h:8401", "proxy://h:1", "native://h:2"],
)
def test_a_target_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_target(text)) == text


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("::10", False),
        ("10.0.0.1", False),
        ("example.org", False),
    ],
)
def test_loopback_is_known_by_name_and_address_alone(host: str, is_loopback: bool) -> None:
    assert Target("https", host, 1).is_loopback is is_loopback


def test_only_web_servers_take_logons() -> None:
    kinds = {kind: Target(kind, "h", 1).is_web for kind in ("https", "http", "proxy", "native")}
    assert kinds == {"https": True, "http": True, "proxy": False, "native": False}
