"""Files that are there whole or not at all, whoever else makes them too."""

from pathlib import Path

from starwire.servers.whole import write_first, write_whole


def test_a_file_is_put_in_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "web.crt"
    for octets in (b"one", b"other"):
        write_whole(path, octets, 0o600)
        assert path.read_bytes() == octets
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_first_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    for octets in (b"first", b"second"):
        write_first(path, octets, 0o600)
        assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
