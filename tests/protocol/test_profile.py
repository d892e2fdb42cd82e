"""The wire profile: HDR-10, with the values of HDR-02, DSP-01, WEB-02, TRN-03 and SYN-11."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import starwire.protocol
from starwire.grammar import Limits
from starwire.protocol.layout import BulkLayout, CommonLayout, Integer, Text, WebLayout
from starwire.protocol.profile import (
    SHIPPED,
    TARGETS,
    Profile,
    ProfileError,
    load_profile,
    shipped,
    split_address,
)

TABLES = Profile.__struct_fields__
PROFILE_KEYS = [key for key in TABLES if key != "name"] + [
    f"{table}.{field}{end}"
    for table, layout in (("common", CommonLayout), ("web", WebLayout), ("bulk", BulkLayout))
    for field in layout.__struct_fields__
    for end in ("", ".width", ".order", ".pad")
]

FOLDER = Path(starwire.protocol.__file__).parent / "profiles"
DEFAULT = (FOLDER / "default.toml").read_text("utf-8")


def extended(text):
    return f'extends = "default"\nname = "mine"\n{text}\n'


def described(layout):
    """A layout as (name, width, order or pad)."""
    return [
        (name, field.width, field.order if isinstance(field, Integer) else field.pad)
        for name, field in msgspec.structs.asdict(layout).items()
    ]


def test_the_shipped_profiles_are_the_files_of_the_folder():
    assert sorted(SHIPPED) == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert [shipped(name).name for name in SHIPPED] == list(SHIPPED)
    assert shipped("default") is shipped("default")


def test_the_default_profile_is_that_of_the_protocol():
    profile = shipped("default")
    assert (profile.version, profile.byte_order) == (1, "big")
    assert described(profile.common) == [
        ("version", 1, None),
        ("length", 4, None),
        ("echo", 1, None),
        ("session_key", 32, "nul"),
        ("type", 1, None),
        ("serial", 8, None),
        ("status", 2, None),
    ]
    assert described(profile.dispatcher) == [
        ("version", 1, None),
        ("length", 4, None),
        ("target", 8, "blank"),
        ("type", 1, None),
        ("user_id", 20, "blank"),
        ("enterprise_id", 8, "blank"),
        ("session_key", 32, "nul"),
        ("status", 2, None),
    ]
    assert described(profile.web) == [("transaction", 1, None), ("session_key", 32, "nul")]
    assert described(profile.bulk) == [
        ("operation", 1, None),
        ("transfer", 8, None),
        ("offset", 8, None),
        ("total", 8, None),
    ]
    assert profile.limits == Limits(nesting=64, octets=1 << 20, marks=65_536)
    assert (profile.frame_octets, profile.bulk_frame_octets) == (16 << 20, 1 << 20)
    assert (profile.bulk_chunk, profile.idle_seconds) == (65_536, 1800)
    assert (profile.web_path, profile.cookie, profile.entpid_length) == ("/nmci", "nmci", 8)
    assert [profile.multiplex, profile.allow_plain_http, profile.allow_old_tls] == [False] * 3
    assert profile.registry == profile.overlay == {}


def test_little_differs_in_order_keys_serials_and_statuses():
    little, default = shipped("little"), shipped("default")
    assert little.byte_order == "little"
    assert described(little.common)[3:] == [
        ("session_key", 16, "nul"),
        ("type", 1, None),
        ("serial", 4, None),
        ("status", 1, None),
    ]
    assert little.dispatcher.session_key == little.web.session_key == Text(16, "nul")
    assert little.dispatcher.status == Integer(1)
    assert little.bulk == default.bulk
    assert little.limits == default.limits


def test_a_whole_profile_extends_nothing():
    assert load_profile(DEFAULT) == shipped("default")


def test_an_extension_gives_only_what_differs():
    profile = load_profile(
        extended(
            """
            version = 7
            ping_seconds = 0.5
            multiplex = true
            allow_plain_http = true
            allow_old_tls = true
            web_path = "/cgi-bin/star.cgi"
            cookie = "JAR"
            limits.octets = 4096
            [common]
            serial = { width = 6, order = "little" }
            [dispatcher.user_id]
            pad = "nul"
            [registry]
            RM = ["10.0.0.5:7002", "[::1]:7002"]
            STAROE = ["staroe.example:1"]
            [overlay.parameters]
            FOO = { length = 3 }
            [[overlay.messages]]
            acronym = "XYZ"
            """
        )
    )
    assert profile.name == "mine"
    assert (profile.version, profile.ping_seconds) == (7, 0.5)
    assert profile.multiplex
    assert profile.allow_plain_http
    assert profile.allow_old_tls
    assert (profile.web_path, profile.cookie) == ("/cgi-bin/star.cgi", "JAR")
    assert profile.limits == Limits(64, 4096, 65_536)
    assert profile.common.serial == Integer(6, "little")
    assert profile.common.status == Integer(2)
    assert profile.dispatcher.user_id == Text(20, "nul")
    assert profile.registry == {
        "RM": ("10.0.0.5:7002", "[::1]:7002"),
        "STAROE": ("staroe.example:1",),
    }
    assert profile.overlay == {
        "parameters": {"FOO": {"length": 3}},
        "messages": [{"acronym": "XYZ"}],
    }
    assert shipped("default") == load_profile(DEFAULT)


def test_an_extension_of_an_extension():
    profile = load_profile('extends = "little"\nname = "mine"\ncommon.echo.width = 2')
    assert profile.byte_order == "little"
    assert profile.wire.common.size == 29


def test_a_profile_is_checked_however_it_is_made():
    with pytest.raises(ProfileError) as caught:
        msgspec.structs.replace(shipped("default"), cookie="a b")
    assert caught.value.key == "cookie"


def test_a_profile_stays_what_it_is():
    with pytest.raises(AttributeError, match="immutable"):
        shipped("default").version = 2


def test_the_codecs_are_compiled_once():
    profile = load_profile(DEFAULT)
    assert profile.wire is profile.wire


ABOVE = "must be above 0, and 31622400 at most"
PATH = "must be a path that begins with /, without query or fragment"
COOKIE = "must be a cookie name: letters, digits, and !#$%&'*+-.^_`|~"

REFUSED = [
    # What msgspec finds.
    ("common.serial.width = 9", "common.serial.width", "must be 1 to 8"),
    ("common.serial.width = 0", "common.serial.width", "must be 1 to 8"),
    ("bulk.offset.width = -1", "bulk.offset.width", "must be 1 to 8"),
    ("web.session_key.width = 256", "web.session_key.width", "must be 1 to 255"),
    ("web.session_key.width = 0", "web.session_key.width", "must be 1 to 255"),
    ("common.serial.width = '4'", "common.serial.width", "must be an integer"),
    ("common.serial.width = 4.0", "common.serial.width", "must be an integer"),
    ("common.serial = 4", "common.serial", "must be a table"),
    ("common.serial.wdith = 4", "common.serial.wdith", "no such key"),
    ("common.serial.pad = 'nul'", "common.serial.pad", "no such key"),
    ("common.crc.width = 4", "common.crc", "no such key"),
    ("dispatcher.crc.width = 4", "dispatcher.crc", "no such key"),
    ("web.crc.width = 4", "web.crc", "no such key"),
    ("bulk.crc.width = 4", "bulk.crc", "no such key"),
    ("web.session_key.order = 'big'", "web.session_key.order", "no such key"),
    ("common.serial.order = 'middle'", "common.serial.order", 'must be "big" or "little"'),
    ("common.serial.order = 3", "common.serial.order", "must be a string"),
    ("byte_order = 'network'", "byte_order", 'must be "big" or "little"'),
    ("web.session_key.pad = 'x'", "web.session_key.pad", 'must be "nul" or "blank"'),
    ("speed = 3", "speed", "no such key"),
    ("idle_seconds = '3'", "idle_seconds", "must be a number"),
    ("multiplex = 1", "multiplex", "must be true or false"),
    ("cookie = 3", "cookie", "must be a string"),
    ("version = 2026-11-20", "version", "must be an integer"),
    ("limits.depth = 3", "limits.depth", "no such key"),
    ("registry = 3", "registry", "must be a table"),
    ("registry.RM = 'host:1'", "registry.RM", "must be an array"),
    ("registry.RM = ['host:1', 2]", "registry.RM[1]", "must be a string"),
    ("overlay = 3", "overlay", "must be a table"),
    # What the values mean, each alone.
    ("idle_seconds = 0", "idle_seconds", ABOVE),
    ("mid_frame_seconds = -1", "mid_frame_seconds", ABOVE),
    ("reply_seconds = nan", "reply_seconds", ABOVE),
    ("ping_seconds = inf", "ping_seconds", ABOVE),
    ("limits.nesting = 0", "limits.nesting", "must be 1 to 1000"),
    ("limits.nesting = 1001", "limits.nesting", "must be 1 to 1000"),
    ("limits.octets = 0", "limits.octets", "must be 1 or more"),
    ("limits.marks = 0", "limits.marks", "must be 1 or more"),
    ("bulk_chunk = 0", "bulk_chunk", "must be 1 or more"),
    ("entpid_length = 0", "entpid_length", "must be 1 or more"),
    ("name = ''", "name", "must not be empty"),
    ("web_path = 'nmci'", "web_path", PATH),
    ("web_path = '/a?b'", "web_path", PATH),
    ("web_path = '/a#b'", "web_path", PATH),
    ("web_path = '/a b'", "web_path", PATH),
    ("cookie = 'a b'", "cookie", COOKIE),
    ("cookie = ''", "cookie", COOKIE),
    (
        "registry.DSS = ['host:1']",
        "registry.DSS",
        "no such target; there are STAROE, RM, RS, INBOX, ODS, TVS",
    ),
    ("registry.RM = []", "registry.RM", "must be one or more host:port"),
    ("registry.RM = ['host:1', 'host']", "registry.RM[1]", "'host' is not host:port"),
    ("overlay.codes = {}", "overlay.codes", "no such key"),
    ("overlay.messages = 3", "overlay.messages", "must be a table, or an array of tables"),
    # What they mean together.
    ("version = 256", "version", "does not fit common.version, 1 octets"),
    ("version = -1", "version", "does not fit common.version, 1 octets"),
    (
        "version = 256\ncommon.version.width = 2",
        "version",
        "does not fit dispatcher.version, 1 octets",
    ),
    ("common.length.width = 3", "common.length.width", "too narrow for frame_octets, 16777216"),
    (
        "dispatcher.length.width = 2",
        "dispatcher.length.width",
        "too narrow for frame_octets, 16777216",
    ),
    (
        "common.session_key.width = 7",
        "common.session_key.width",
        "must be 8 or more: shorter keys are guessed",
    ),
    (
        "dispatcher.session_key.width = 31",
        "dispatcher.session_key.width",
        "must be that of common.session_key, 32",
    ),
    (
        "web.session_key.width = 33",
        "web.session_key.width",
        "must be that of common.session_key, 32",
    ),
    ("dispatcher.target.width = 5", "dispatcher.target.width", "too narrow for STAROE"),
    (
        "entpid_length = 9",
        "dispatcher.enterprise_id.width",
        "too narrow for entpid_length, 9",
    ),
    (
        "bulk.offset.width = 7",
        "bulk.offset.width",
        "must not be below bulk.total's: an end's offset is the total",
    ),
    (
        "frame_octets = 1048575",
        "bulk_frame_octets",
        "must not be over frame_octets, 1048575",
    ),
    (
        "bulk_chunk = 1048476",
        "bulk_chunk",
        "1048476 payload octets behind 101 of headers are over bulk_frame_octets, 1048576",
    ),
    (
        "bulk_chunk = 1\nbulk_frame_octets = 132",
        "bulk_chunk",
        "32 payload octets behind 101 of headers are over bulk_frame_octets, 132",
    ),
]


@pytest.mark.parametrize(("text", "key", "reason"), REFUSED, ids=lambda value: value[:40])
def test_an_error_names_the_key(text, key, reason):
    with pytest.raises(ProfileError) as caught:
        load_profile(f'extends = "default"\n{text}' if key == "name" else extended(text))
    assert (caught.value.key, caught.value.reason) == (key, reason)
    assert str(caught.value) == f"{key}: {reason}"


@pytest.mark.parametrize(
    "text",
    [
        "common.length.width = 3\ndispatcher.length.width = 3\nframe_octets = 16777215",
        "bulk_chunk = 1048475",
        "bulk_chunk = 1\nbulk_frame_octets = 133",
        "version = 255",
        "version = 0",
        "bulk.total.width = 4\nbulk.offset.width = 4",
        "ping_seconds = 31622400",
        "limits.nesting = 1000",
        "limits.nesting = 1",
        "frame_octets = 1048576",
        "dispatcher.user_id.width = 1",
        "dispatcher.user_id.width = 255",
        "dispatcher.target.width = 6",
        "common.session_key.width = 8\ndispatcher.session_key.width = 8\nweb.session_key.width = 8",
        "web_path = '/'",
    ],
)
def test_what_just_fits_is_taken(text):
    assert load_profile(extended(text)).name == "mine"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("", "name", "missing"),
        ('extends = "default"', "name", "missing"),
        ('extends = "other"\nname = "x"', "extends", "must be one of default, little"),
        ('extends = ["default"]\nname = "x"', "extends", "must be one of default, little"),
        (DEFAULT.replace("cookie =", "#"), "cookie", "missing"),
        (DEFAULT.replace("serial = { width = 8 }", ""), "common.serial", "missing"),
        (
            DEFAULT.replace("serial = { width = 8 }", "serial = {}"),
            "common.serial.width",
            "missing",
        ),
        (DEFAULT.replace(', pad = "blank"', ""), "dispatcher.target.pad", "missing"),
        (DEFAULT.replace("[registry]", ""), "registry", "missing"),
        (DEFAULT.replace("[overlay]", ""), "overlay", "missing"),
    ],
)
def test_a_profile_is_complete(text, key, reason):
    with pytest.raises(ProfileError) as caught:
        load_profile(text)
    assert (caught.value.key, caught.value.reason) == (key, reason)


VALUES = st.sampled_from(
    [
        "0",
        "-1",
        "1",
        "9",
        "255",
        "1e9",
        "nan",
        "true",
        "''",
        "'nul'",
        "'little'",
        "[]",
        "[1]",
        "{}",
        "{width=2}",
        "{width=2,pad='nul'}",
        "2026-11-20",
        "99999999999999999999",
    ]
)
KEYS = st.sampled_from([*PROFILE_KEYS, "x", "'a b'.c", "registry.RM", "overlay.messages"])


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_values_give_a_profile_or_an_error_that_names_one_of_the_keys(values):
    text = "\n".join(f"{key} = {value}" for key, value in values.items())
    key = ""
    try:
        load_profile(extended(text))
    except ProfileError as error:
        key = error.key
    assert key.partition(".")[0] in {*TABLES, "", "x", "a b"}


def test_what_is_no_toml():
    with pytest.raises(ProfileError) as caught:
        load_profile("version = = 3")
    assert caught.value.key == ""
    assert str(caught.value) == "not TOML: Invalid value (at line 1, column 11)"


def test_an_unknown_shipped_profile():
    with pytest.raises(ProfileError) as caught:
        shipped("../default")
    assert str(caught.value) == "name: must be one of default, little"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("localhost:1", ("localhost", 1)),
        ("10.0.0.5:65535", ("10.0.0.5", 65_535)),
        ("[::1]:7002", ("::1", 7002)),
    ],
)
def test_an_address_has_a_host_and_a_port(address, expected):
    assert split_address(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host",
        "host:",
        ":1",
        "host:0",
        "host:65536",
        "host:x",
        "::1:7",
        "a b:1",
        "[::1]",
        "[]:1",
    ],
)
def test_what_is_no_address(address):
    with pytest.raises(ValueError, match=r" is not host:port$"):
        split_address(address)


def test_the_targets_of_dsp_02():
    assert TARGETS == ("STAROE", "RM", "RS", "INBOX", "ODS", "TVS")
