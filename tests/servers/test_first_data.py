from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import select

from starwire.grammar import build
from starwire.protocol.catalogue import catalogue
from starwire.protocol.validation import validate
from starwire.servers import first_documents, schema
from starwire.servers.files import FileRoot
from starwire.servers.first_data import FirstData
from starwire.servers.first_documents import Columns, Customers, Templates, read
from starwire.servers.passwords import PasswordCost, matches
from starwire.servers.reference import load_reference
from starwire.servers.store import Store, next_id, open_store
from starwire.servers.user_reports import find_report
from starwire.servers.values import members_of

CHEAP = PasswordCost(n=2, r=1, p=1)


def test_two_first_starts_write_the_same_files(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        first = FirstData(FileRoot(folder / "files"), CHEAP)
        open_store(f"sqlite:///{folder / 'state.db'}", fill=first.fill).close()
        contents.append(
            {
                path.relative_to(folder): path.read_bytes()
                for path in (folder / "files").rglob("*")
                if path.is_file()
            }
        )
    assert contents[0] == contents[1]
    assert {path.name: len(octets) for path, octets in contents[0].items()} == {
        "902512294STDRPTID10.CSV": 3705,
        "902512294STDRPTID10.mtd": 3322,
        "STDRPTID43TM_082598_084920.CSV": 389,
    }


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "files/inbox/files/ods/902512294STDRPTID10.CSV"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    first = FirstData(FileRoot(tmp_path / "files"), CHEAP)
    open_store(f"sqlite:///{tmp_path / 'state.db'}", fill=first.fill).close()
    assert path.read_bytes() == b"mine"


def test_each_user_has_a_hash_of_its_own(store: Store) -> None:
    with store.read() as connection:
        stored = list(connection.execute(select(schema.users.c.password)).scalars())
    assert len(set(stored)) == 5
    assert all(matches("interact", one) for one in stored)


def test_hashes_are_made_at_the_given_cost_with_the_given_randomness(tmp_path: Path) -> None:
    first = FirstData(
        FileRoot(tmp_path / "files"),
        PasswordCost(n=4, r=2, p=3),
        random=lambda count: b"\xab" * count,
    )
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}", fill=first.fill)
    with store.read() as connection:
        stored = set(connection.execute(select(schema.users.c.password)).scalars())
    store.close()
    assert {one.rpartition("$")[0] for one in stored} == {f"scrypt$4$2$3${'ab' * 16}"}


def test_the_first_ids_do_not_meet_those_that_follow(store: Store) -> None:
    with store.write() as connection:
        reports = set(connection.execute(select(schema.user_reports.c.id)).scalars())
        requests = set(connection.execute(select(schema.requests.c.id)).scalars())
        following = {
            name: next_id(connection, name) for name in ("USERRPTID", "REQUESTID", "INBOXID")
        }
    assert reports == {150, 151, 245, 3415}
    assert requests == {20341, 32196, 32197}
    assert following == {"USERRPTID": 3416, "REQUESTID": 32198, "INBOXID": 1}


def test_every_template_can_be_used(store: Store) -> None:
    with store.read() as connection:
        reference = load_reference(connection)
    for template in reference.templates.values():
        assert template.products
        assert template.columns
        assert len(set(template.columns)) == len(template.columns)
        assert set(template.columns) <= set(reference.columns)
        for sorted_by in members_of(template.sortby):
            assert int(sorted_by[:-1]) in template.columns
        assert template.tree in reference.trees
        for axis in (template.x_axis, *map(int, filter(None, template.y_columns.split("~")))):
            assert axis is None or axis in template.columns
        assert (template.ranking is None) == (template.server == "ODS")


def test_the_templates_of_the_examples_are_what_they_say(store: Store) -> None:
    with store.read() as connection:
        templates = load_reference(connection).templates
    found = {
        number: (one.title, one.server, one.datacat, dict(one.products))
        for number, one in templates.items()
        if number in (1, 10, 40, 90, 101)
    }
    both = {"T": "I", "V": "B", "S": "B", "C": "B"}
    assert found == {
        1: ("Longest Calls", "TVS", "U", {"T": "I", "V": "O", "S": "O"}),
        10: ("Service Location & Hour", "ODS", "P", both),
        40: ("Hourly Distribution", "ODS", "P", both),
        90: ("City Summary", "ODS", "P", {"T": "I", "V": "O", "S": "O", "C": "O"}),
        101: ("Day of Week Distributions", "ODS", "P", both),
    }
    assert templates[90].columns == (54, 55, 67, 62, 36, 61, 58, 63, 64, 66, 65)
    assert set(templates[101].columns) == {44, 36, 58, 67, 61, 63, 62, 64, 65, 66}


def test_labels_fit_the_rows_and_keys_that_they_go_into() -> None:
    texts = [column.label for column in read("columns", Columns).columns]
    for category in read("templates", Templates).category:
        texts += [category.title, *(template.title for template in category.report)]
    for text in texts:
        assert not set(text) & set("<>,~=\x01")


@pytest.mark.parametrize("number", [150, 245, 3415])
def test_a_first_report_is_one_that_an_ard_could_have_made(store: Store, number: int) -> None:
    with store.read() as connection:
        report = find_report(connection, number)
        reference = load_reference(connection)
    assert report is not None
    fields = [
        ("USERID", report.userid),
        ("ENTPID", report.entpid),
        ("STDRPTID", str(report.template)),
        ("NAME", report.name),
        ("PRODUCT", report.product),
        ("CATEGORY", report.category),
        ("ACTIVE", report.active),
    ]
    octets = build("ARD", fields)[:-1].decode("latin-1")
    if report.schedule:
        pairs = ",".join(f"START={start},END={end}" for start, end in report.dates)
        octets += f",SCHEDULE={report.schedule}<{pairs}>"
    parameters = dict(report.parameters)
    if "RECCOUNT" in parameters:
        octets += f",THRESHOLD=<RECCOUNT={parameters.pop('RECCOUNT')}>"
    octets += "".join(f",{name}={value}" for name, value in parameters.items()) + ">"
    template = reference.templates[report.template]
    validate(
        octets.encode("latin-1"),
        "rm",
        catalogue=catalogue(),
        facts={
            "server": template.server,
            "io": template.products[report.product],
            "datacat": template.datacat,
            "description": "yes",
            "timezones": " ".join(reference.time_zones),
        },
    )


def test_every_file_is_package_data() -> None:
    folder = resources.files("starwire.servers") / "first"
    assert {entry.name for entry in folder.iterdir()} == {
        "columns.toml",
        "customers.toml",
        "files.toml",
        "pick_lists.toml",
        "reports.toml",
        "templates.toml",
        "trees.toml",
    }


def test_a_mistake_in_a_file_is_named_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    class Text:
        def joinpath(self, *parts: str) -> "Text":
            return self

        def read_text(self, encoding: str) -> str:
            return 'password = "x"\n[[user]]\nuserid = "u"\nentpid = 22924\napplications = []\n'

    monkeypatch.setattr(first_documents.resources, "files", lambda package: Text())
    reason = r"first/customers.toml: Expected `str`, got `int` - at `\$.user\[0\].entpid`"
    with pytest.raises(ValueError, match=reason):
        read("customers", Customers)
