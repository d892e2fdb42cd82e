"""The configuration file: what it may say, and how a mistake in it is told."""

from pathlib import Path

import pytest

from starwire.protocol.sealing import LinkKeys
from starwire.servers.configuration import (
    Configuration,
    ConfigurationError,
    load_configuration,
    read_configuration,
    read_link_keys,
)

ROOT = Path(__file__).parents[2]


def test_an_empty_file_is_the_defaults() -> None:
    assert load_configuration("") == Configuration()


def test_the_file_of_the_documentation_is_the_defaults() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    blocks = [part.split("```")[0] for part in text.split("```toml\n")[1:]]
    example = next(block for block in blocks if "[logon]" in block)
    assert load_configuration(example.replace("\n  ", "\n")) == Configuration()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rm]\nfulserver = 'x'", "rm.fulserver: must be true or false"),
        ("[rm]\nfull = true", "rm.full: no such key"),
        ("[logon]\nfailures = 1.5", "logon.failures: must be an integer"),
        ("[logon.cost]\nn = 3", "logon.cost: n is no power of two above 1"),
        ("[logon]\nfailures = 0", "logon.failures: must be 1 or more"),
        ("[logon]\nwait_seconds = -1.0", "logon.wait_seconds: must not be below 0"),
        ("[native]\npeers = [1]", "native.peers[0]: must be a string"),
        ("peers", "not TOML: "),
    ],
)
def test_a_mistake_is_told_with_its_key(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_configuration(text)
    assert str(raised.value).startswith(said)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_configuration(tmp_path / "none.toml")
    assert str(raised.value) == f"{tmp_path / 'none.toml'}: No such file or directory"


def test_links_are_plain_without_a_key_file(tmp_path: Path) -> None:
    assert read_link_keys(Configuration()) is None
    missing = load_configuration(f"[links]\nkey_file = '{tmp_path / 'none'}'")
    with pytest.raises(ConfigurationError, match=r"links\.key_file .*none: No such file"):
        read_link_keys(missing)


def test_a_key_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "link.keys").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        read_link_keys(load_configuration(f"[links]\nkey_file = '{tmp_path / 'link.keys'}'"))


def test_both_links_have_their_key(tmp_path: Path) -> None:
    (tmp_path / "link.keys").write_text(f'web = "{"01" * 32}"\nproxy = "{"aB" * 32}"\n')
    found = read_link_keys(load_configuration(f"[links]\nkey_file = '{tmp_path / 'link.keys'}'"))
    assert found == LinkKeys(b"\x01" * 32, b"\xab" * 32)
