import os
from pathlib import Path

import pytest

from starwire.servers.files import FileRoot, FoundFile, is_compressed_name, metadata_location


@pytest.fixture
def root(tmp_path: Path) -> FileRoot:
    """`inbox/a.csv` of 3 octets below the root, `secret.csv` beside the root."""
    (tmp_path / "files" / "inbox").mkdir(parents=True)
    (tmp_path / "files" / "inbox" / "a.csv").write_bytes(b"1,2")
    (tmp_path / "secret.csv").write_bytes(b"secret")
    return FileRoot(tmp_path / "files")


@pytest.mark.parametrize("loc", ["/inbox/a.csv", "inbox/a.csv", "//inbox//a.csv", "/./inbox/a.csv"])
def test_a_file_below_the_root_is_found_with_its_size(root: FileRoot, loc: str) -> None:
    assert root.find(loc) == FoundFile(str(root.folder / "inbox" / "a.csv"), 3)


@pytest.mark.parametrize(
    "loc",
    [
        "",
        "/",
        "/inbox",
        "/inbox/b.csv",
        "/inbox/a.csv/b.csv",
        "../secret.csv",
        "/../secret.csv",
        "/inbox/../../secret.csv",
        "/inbox/../inbox/a.csv",
        "/inbox/a.csv\0",
        "/inbox/\0/a.csv",
        "/inbox/" + "x" * 300,
        "/" + "x/" * 3000,
        "\\inbox\\a.csv",
        "inbox/a.csv ",
        "/INBOX/A.CSV",
        "/etc/passwd",
        "//etc/passwd",
    ],
)
def test_what_is_no_file_below_the_root_is_not_found(root: FileRoot, loc: str) -> None:
    assert root.find(loc) is None


def test_an_absolute_path_to_a_file_outside_is_not_found(root: FileRoot, tmp_path: Path) -> None:
    assert (tmp_path / "secret.csv").exists()
    assert root.find(str(tmp_path / "secret.csv")) is None


def test_a_link_that_leads_out_is_as_if_it_were_not_there(root: FileRoot, tmp_path: Path) -> None:
    (root.folder / "inbox" / "link.csv").symlink_to(tmp_path / "secret.csv")
    (root.folder / "out").symlink_to(tmp_path)
    assert root.find("/inbox/link.csv") is None
    assert root.find("/out/secret.csv") is None


def test_a_link_that_stays_inside_is_followed(root: FileRoot) -> None:
    (root.folder / "inbox" / "link.csv").symlink_to("a.csv")
    assert root.find("/inbox/link.csv") == FoundFile(str(root.folder / "inbox" / "a.csv"), 3)


def test_links_in_a_circle_are_not_found(root: FileRoot) -> None:
    (root.folder / "round.csv").symlink_to("round.csv")
    assert root.find("/round.csv") is None


def test_a_folder_whose_name_begins_like_the_root_is_outside(
    root: FileRoot, tmp_path: Path
) -> None:
    (tmp_path / "files-of-others").mkdir()
    (tmp_path / "files-of-others" / "a.csv").write_bytes(b"x")
    (root.folder / "others").symlink_to(tmp_path / "files-of-others")
    assert root.find("/others/a.csv") is None


def test_a_pipe_is_no_file_and_keeps_nobody_waiting(root: FileRoot) -> None:
    os.mkfifo(root.folder / "pipe.csv")
    assert root.find("/pipe.csv") is None


def test_a_root_that_does_not_exist_has_no_files(tmp_path: Path) -> None:
    assert FileRoot(tmp_path / "nowhere").find("/a.csv") is None


def test_a_root_that_is_a_link_is_a_root(root: FileRoot, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root.folder)
    found = FileRoot(tmp_path / "link").find("/inbox/a.csv")
    assert found == FoundFile(str(root.folder / "inbox" / "a.csv"), 3)


def test_every_octet_but_nul_and_slash_may_stand_in_a_name(root: FileRoot) -> None:
    name = bytes(set(range(1, 256)) - {ord("/")})
    for part in (name[:128], name[128:]):
        (Path(os.fsdecode(os.fsencode(root.folder) + b"/" + part))).write_bytes(b"x")
        assert root.find("/" + part.decode("latin-1")) is not None


@pytest.mark.parametrize(
    ("loc", "compressed", "expected"),
    [
        (
            "/inbox/files/ods/902512294STDRPTID10.CSV",
            False,
            "/inbox/files/ods/902512294STDRPTID10.mtd",
        ),
        ("/inbox/1044301333.csv_zip", True, "/inbox/1044301333.mtd_zip"),
        ("a.b.csv", False, "a.b.mtd"),
        ("/in.box/plain", False, "/in.box/plain.mtd"),
        ("/inbox/.hidden", False, "/inbox/.hidden.mtd"),
    ],
)
def test_metadata_lies_beside_the_report_under_its_stem(
    loc: str, compressed: bool, expected: str
) -> None:
    assert metadata_location(loc, compressed) == expected


@pytest.mark.parametrize(
    ("loc", "compressed"),
    [("a.csv_zip", True), ("a.CSV_ZIP", True), ("a.txt_Zip", True), ("a.zip", False), ("", False)],
)
def test_an_extension_says_whether_a_file_is_compressed(loc: str, compressed: bool) -> None:
    assert is_compressed_name(loc) is compressed


def test_files_of_our_own_are_placed_below_the_root_only(root: FileRoot) -> None:
    assert root.place("/inbox/b.csv") == root.folder / "inbox" / "b.csv"
    with pytest.raises(ValueError, match=r"'/\.\./b\.csv' is no place below"):
        root.place("/../b.csv")
