import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, update

from starwire.grammar import Limits
from starwire.protocol.catalogue import catalogue
from starwire.servers import schema
from starwire.servers.customer import Customer
from starwire.servers.files import FileRoot
from starwire.servers.inbox import Inbox
from starwire.servers.notifying import Contact, NotificationFault
from starwire.servers.store import Store

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"

ADD = (
    "A<CATEGORY=R,TYPE=traffic,USERID=LynneLevy2,RPTID=150,COMPRESS=0,RPTCATEGORY=Hours,"
    "LOC=/inbox/files/ods/902512294STDRPTID10.CSV,ENTPID=10324488,RQSTDT=1998-01-02 15:18,"
    "FSIZE=3705,RPTTITLE=Summary,MSIZE=3322>"
)
LIST = "L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R>"
DAY = 86_400.0


def add(name: str, **changes: str) -> str:
    """The A of a file of that name, `made` below, with other parameters where given."""
    fields = {
        "CATEGORY": "R",
        "TYPE": "traffic",
        "USERID": "LynneLevy2",
        "RPTID": "150",
        "COMPRESS": "0",
        "RPTCATEGORY": "Hours",
        "LOC": f"/inbox/{name}",
        "ENTPID": "10324488",
        "RQSTDT": "1998-01-02 15:18",
        "FSIZE": "3",
        "RPTTITLE": "Summary",
        "MSIZE": "4",
        **changes,
    }
    return "A<" + ",".join(f"{key}={value}" for key, value in fields.items()) + ">"


@pytest.fixture
def made(file_root: FileRoot) -> Callable[..., None]:
    """Makes a report of 3 octets and its metadata of 4."""

    def make(name: str = "a.csv", *, metadata: str | None = "a.mtd") -> None:
        (file_root.folder / "inbox" / name).write_bytes(b"1,2")
        if metadata:
            (file_root.folder / "inbox" / metadata).write_bytes(b"<M=>")

    return make


def items(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(schema.inbox_items)).scalar_one()


# ------------------------------------------------------------------------------------------- add


def test_the_printed_add_is_taken(inbox) -> None:
    assert inbox.native((GOLDEN / "inbox-add.emended.msg").read_bytes()) == (
        "Z<REQ=A,ERROR=0,INBOXID=1>"
    )


def test_an_item_is_listed_as_it_was_added(inbox, lynne: Customer) -> None:
    inbox.native(ADD)
    assert inbox(LIST, lynne) == (
        "Z<REQ=L,ERROR=0,ITEMS="
        "<1~R~traffic~150~~0~Hours~1998-01-02 15:18~3705~Summary~3322~0~0~45>>"
    )


def test_through_a_dispatcher_add_is_an_unknown_message(inbox, lynne: Customer) -> None:
    assert inbox(ADD, lynne) == "Z<REQ=A,ERROR=5103>"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"USERID": "nobody"}, 5153),
        ({"ENTPID": "00022924"}, 5153),
        ({"LOC": "/inbox/b.csv"}, 5163),
        ({"LOC": "/inbox/../inbox/a.csv"}, 5163),
        ({"LOC": "/inbox/a.csv", "COMPRESS": "1"}, 5165),
        ({"LOC": "/inbox/a.csv_zip"}, 5165),
        ({"LOC": "/inbox/lone.csv"}, 5166),
        ({"LOC": "/inbox/lone.csv", "CATEGORY": "D"}, 5166),
        ({"LOC": "/inbox/lone.csv_zip", "COMPRESS": "1"}, 5166),
    ],
)
def test_an_item_that_cannot_be_added_leaves_nothing(
    inbox, made, changes: dict[str, str], code: int
) -> None:
    made()
    made("lone.csv", metadata=None)
    made("lone.csv_zip", metadata=None)
    assert inbox.native(add("a.csv", **changes)) == f"Z<REQ=A,ERROR={code}>"
    assert items(inbox.store) == 0
    assert inbox.native(add("a.csv")) == "Z<REQ=A,ERROR=0,INBOXID=1>"


def test_the_metadata_of_a_compressed_report_is_compressed_too(inbox, made) -> None:
    made("a.csv_zip", metadata="a.mtd_zip")
    assert inbox.native(add("a.csv_zip", COMPRESS="1")) == "Z<REQ=A,ERROR=0,INBOXID=1>"


@pytest.mark.parametrize("changes", [{"CATEGORY": "F", "PRIORITY": "4"}, {"MSIZE": "0"}])
def test_without_metadata_none_is_looked_for(inbox, made, changes: dict[str, str]) -> None:
    made("news.txt", metadata=None)
    assert inbox.native(add("news.txt", **changes)) == "Z<REQ=A,ERROR=0,INBOXID=1>"


def test_the_same_file_of_the_same_user_is_there_already(inbox, made) -> None:
    made()
    inbox.native(add("a.csv"))
    assert inbox.native(add("a.csv", RPTTITLE="Again")) == "Z<REQ=A,ERROR=5005,INBOXID=1>"
    other = {"USERID": "dorod", "ENTPID": "00022924"}
    assert inbox.native(add("a.csv", **other)) == "Z<REQ=A,ERROR=0,INBOXID=2>"


def test_a_repetition_is_told_so_though_its_file_is_gone(inbox, made, file_root) -> None:
    made()
    inbox.native(add("a.csv"))
    (file_root.folder / "inbox" / "a.csv").unlink()
    assert inbox.native(add("a.csv")) == "Z<REQ=A,ERROR=5005,INBOXID=1>"


def test_a_deleted_item_may_be_added_again_under_a_new_id(inbox, made, lynne: Customer) -> None:
    made()
    inbox.native(add("a.csv"))
    assert inbox("D<INBOXID=1>", lynne) == "Z<REQ=D,ERROR=0>"
    assert inbox.native(add("a.csv")) == "Z<REQ=A,ERROR=0,INBOXID=2>"


def test_two_that_add_the_same_file_at_once_add_it_once(inbox, made) -> None:
    made()
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(inbox.native(add("a.csv"))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["Z<REQ=A,ERROR=0,INBOXID=1>", *["Z<REQ=A,ERROR=5005,INBOXID=1>"] * 5]


def test_ten_digits_are_the_last_inbox_id(inbox, made, lynne: Customer) -> None:
    made()
    made("b.csv", metadata="b.mtd")
    with inbox.store.write() as connection:
        counter = update(schema.counters).where(schema.counters.c.name == "INBOXID")
        connection.execute(counter.values(last=9_999_999_998))
    assert inbox.native(add("a.csv")) == "Z<REQ=A,ERROR=0,INBOXID=9999999999>"
    assert inbox.native(add("b.csv")) == "Z<REQ=A,ERROR=5106>"
    assert "<9999999999~R~" in inbox(LIST.replace(">", ",INBOXID=9999999998>"), lynne)


# ------------------------------------------------------------------------------------------ list


@pytest.fixture
def three(inbox, made) -> None:
    """Items 1, 2 and 3 of LynneLevy2: a report, news, a report."""
    made("a.csv")
    made("b.csv", metadata="b.mtd")
    made("news.txt", metadata=None)
    inbox.native(add("a.csv"))
    inbox.native(add("news.txt", CATEGORY="F", PRIORITY="1", RPTID="", MSIZE=""))
    inbox.native(add("b.csv", RPTTITLE="Later", ERRFLAG="1"))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("message", "response"),
    [
        (
            "L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R>",
            "Z<REQ=L,ERROR=0,ITEMS="
            "<1~R~traffic~150~~0~Hours~1998-01-02 15:18~3~Summary~4~0~0~45>"
            "<3~R~traffic~150~~0~Hours~1998-01-02 15:18~3~Later~4~0~1~45>>",
        ),
        (
            "L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=F>",
            "Z<REQ=L,ERROR=0,ITEMS=<2~F~traffic~~1~0~Hours~1998-01-02 15:18~3~Summary~~0~0~45>>",
        ),
        (
            "L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R,INBOXID=1>",
            "Z<REQ=L,ERROR=0,INBOXID=1,ITEMS="
            "<3~R~traffic~150~~0~Hours~1998-01-02 15:18~3~Later~4~0~1~45>>",
        ),
        (
            "L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R,INBOXID=0000000000000000000000002>",
            "Z<REQ=L,ERROR=0,INBOXID=0000000000000000000000002,ITEMS="
            "<3~R~traffic~150~~0~Hours~1998-01-02 15:18~3~Later~4~0~1~45>>",
        ),
        ("L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R,INBOXID=3>", "Z<REQ=L,ERROR=5100>"),
        (
            "L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R,INBOXID=9999999999999999999999999>",
            "Z<REQ=L,ERROR=5100>",
        ),
        ("L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=D>", "Z<REQ=L,ERROR=5100>"),
        ("L<ENTPID=00022924,USERID=LynneLevy2,CATEGORY=R>", "Z<REQ=L,ERROR=5131>"),
        ("L<ENTPID=10324488,USERID=dorod,CATEGORY=R>", "Z<REQ=L,ERROR=5131>"),
        ("L<ENTPID=00022924,USERID=dorod,CATEGORY=R>", "Z<REQ=L,ERROR=5131>"),
    ],
)
def test_list_answers_with_the_items_later_than(
    inbox, lynne: Customer, message: str, response: str
) -> None:
    assert inbox(message, lynne) == response


@pytest.mark.usefixtures("three")
def test_on_the_native_port_anybody_may_be_listed_who_is_a_customer(inbox) -> None:
    assert inbox.native(LIST).startswith("Z<REQ=L,ERROR=0,ITEMS=<1~")
    other = "L<ENTPID=00022924,USERID=dorod,CATEGORY=R>"
    assert inbox.native(other) == "Z<REQ=L,ERROR=5100>"
    nobody = "L<ENTPID=00022924,USERID=nobody,CATEGORY=R>"
    assert inbox.native(nobody) == "Z<REQ=L,ERROR=5131>"


def test_ids_compare_as_numbers(inbox, made, lynne: Customer) -> None:
    for number in range(1, 12):
        made(f"{number}.csv", metadata=f"{number}.mtd")
        inbox.native(add(f"{number}.csv"))
    listed = inbox("L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R,INBOXID=9>", lynne)
    assert "<10~" in listed
    assert "<11~" in listed
    assert listed.count("~R~") == 2


@pytest.mark.parametrize("empty", ["", "<>", " ", "< >"])
def test_what_is_empty_in_any_form_is_listed_as_nothing(
    inbox, made, lynne: Customer, empty: str
) -> None:
    made()
    added = add("a.csv", PRIORITY=empty, MMADDR=empty, PGT=empty, UNOTIFY="2", SEV="1")
    assert inbox.native(added) == "Z<REQ=A,ERROR=5180,INBOXID=1>"
    assert inbox(LIST, lynne) == (
        "Z<REQ=L,ERROR=0,ITEMS=<1~R~traffic~150~~0~Hours~1998-01-02 15:18~3~Summary~4~0~0~45>>"
    )


def test_octets_survive_and_dividers_become_blanks_in_a_row(inbox, made, lynne: Customer) -> None:
    made()
    assert inbox.native(add("a.csv", RPTTITLE="\0\xb7\xff,a~b", TYPE="a=b")).endswith("INBOXID=1>")
    assert inbox(LIST, lynne) == (
        "Z<REQ=L,ERROR=0,ITEMS=<1~R~a b~150~~0~Hours~1998-01-02 15:18~3~\0\xb7\xff a b~4~0~0~45>>"
    )
    with inbox.store.read() as connection:
        stored = connection.execute(select(schema.inbox_items.c.rpttitle)).scalar_one()
    assert stored == "\0\xb7\xff,a~b"


# ----------------------------------------------------------------------------------------- fetch


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("message", "response", "name"),
    [
        ("F<INBOXID=1>", "Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=3>", "a.csv"),
        ("F<INBOXID=0001,WHAT=DATA>", "Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=3>", "a.csv"),
        ("F<INBOXID=3,WHAT=METADATA>", "Z<REQ=F,ERROR=0,INBOXID=3,FSIZE=4>", "b.mtd"),
        ("F<INBOXID=2>", "Z<REQ=F,ERROR=0,INBOXID=2,FSIZE=3>", "news.txt"),
    ],
)
def test_fetch_names_the_file_that_follows(
    inbox, lynne: Customer, file_root: FileRoot, message: str, response: str, name: str
) -> None:
    answer = inbox.answer(message, lynne)
    path = file_root.folder / "inbox" / name
    assert answer.octets.decode("latin-1") == response
    assert (answer.file, answer.size) == (str(path), path.stat().st_size)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("F<INBOXID=4>", 5100),
        ("F<INBOXID=9999999999>", 5100),
        ("F<INBOXID=2,WHAT=METADATA>", 5108),
        ("F<INBOXID=1,WHAT=DATAS>", 5101),
    ],
)
def test_what_cannot_be_fetched(inbox, lynne: Customer, message: str, code: int) -> None:
    answer = inbox.answer(message, lynne)
    assert (answer.error, answer.octets, answer.file) == (
        code,
        f"Z<REQ=F,ERROR={code}>".encode(),
        None,
    )


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("what", ["DATA", "METADATA"])
def test_a_file_that_is_gone_cannot_be_opened(
    inbox, lynne: Customer, file_root: FileRoot, what: str
) -> None:
    for name in ("a.csv", "a.mtd"):
        (file_root.folder / "inbox" / name).unlink()
    assert inbox(f"F<INBOXID=1,WHAT={what}>", lynne) == "Z<REQ=F,ERROR=5104>"


@pytest.mark.usefixtures("three")
def test_a_file_that_became_a_way_out_cannot_be_opened(
    inbox, lynne: Customer, file_root: FileRoot, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (file_root.folder / "inbox" / "a.csv").unlink()
    (file_root.folder / "inbox" / "a.csv").symlink_to(tmp_path / "secret")
    assert inbox("F<INBOXID=1>", lynne) == "Z<REQ=F,ERROR=5104>"


# -------------------------------------------------------------------------------- other customers


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("F<INBOXID={}>", 5100),
        ("F<INBOXID={},WHAT=METADATA>", 5100),
        ("U<ENTPID=00022924,USERID=dorod,INBOXID={},TTL=1>", 5100),
        ("D<INBOXID={}>", 5125),
    ],
)
def test_another_customers_item_is_as_if_it_did_not_exist(
    inbox, dorod: Customer, message: str, code: int
) -> None:
    anothers, nobodys = inbox(message.format(1), dorod), inbox(message.format(4711), dorod)
    assert anothers == nobodys == f"Z<REQ={message[0]},ERROR={code}>"
    assert items(inbox.store) == 3


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("U<ENTPID=10324488,USERID=LynneLevy2,INBOXID=1,TTL=1>", 5111),
        ("U<ENTPID=00022924,USERID=LynneLevy2,INBOXID=1,TTL=1>", 5111),
        ("D<USERID=LynneLevy2,ENTPID=10324488>", 5141),
        ("D<USERID=dorod,ENTPID=10324488>", 5141),
        ("L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R>", 5131),
    ],
)
def test_nobody_speaks_for_another(inbox, dorod: Customer, message: str, code: int) -> None:
    assert inbox(message, dorod) == f"Z<REQ={message[0]},ERROR={code}>"
    assert items(inbox.store) == 3


@pytest.mark.usefixtures("three")
def test_on_the_native_port_an_id_is_enough(inbox) -> None:
    assert inbox.native("F<INBOXID=1>") == "Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=3>"
    assert inbox.native("D<INBOXID=1>") == "Z<REQ=D,ERROR=0>"
    assert inbox.native("F<INBOXID=1>") == "Z<REQ=F,ERROR=5100>"
    update = "U<ENTPID=00022924,USERID=dorod,INBOXID=3,TTL=1>"
    assert inbox.native(update) == "Z<REQ=U,ERROR=5100>"
    assert inbox.native(update.replace("dorod", "nobody")) == "Z<REQ=U,ERROR=5111>"
    nobodys = "D<USERID=nobody,ENTPID=00022924>"
    assert inbox.native(nobodys) == "Z<REQ=D,ERROR=5141>"


# ---------------------------------------------------------------------------------------- update


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("changes", "tail"),
    [
        ("TTL=7", "~1~0~7>"),
        ("TTL=999,ACK=0", "~0~0~999>"),
        ("ACK=1", "~1~0~45>"),
        ("ACK=0,CATEGORY=R", "~0~0~45>"),
    ],
)
def test_update_changes_what_it_names(inbox, lynne: Customer, changes: str, tail: str) -> None:
    update = f"U<ENTPID=10324488,USERID=LynneLevy2,INBOXID=1,{changes}>"
    assert inbox(update, lynne) == "Z<REQ=U,ERROR=0>"
    listed = inbox(LIST, lynne)
    assert f"1998-01-02 15:18~3~Summary~4{tail}" in listed
    assert "Later~4~0~1~45>" in listed


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ("INBOXID=1", 5112),
        ("INBOXID=1,TTL=0", 5112),
        ("INBOXID=1,TTL=1000", 5112),
        ("INBOXID=1,TTL=", 5112),
        ("INBOXID=1,TTL=1,CATEGORY=", 5113),
        ("INBOXID=1,TTL=1,CATEGORY=X", 5113),
        ("INBOXID=1,TTL=1,CATEGORY=F", 5100),
        ("INBOXID=4,TTL=1", 5100),
    ],
)
def test_an_update_that_is_refused_changes_nothing(
    inbox, lynne: Customer, changes: str, code: int
) -> None:
    before = inbox(LIST, lynne)
    update = f"U<ENTPID=10324488,USERID=LynneLevy2,{changes}>"
    assert inbox(update, lynne) == f"Z<REQ=U,ERROR={code}>"
    assert inbox(LIST, lynne) == before


# ---------------------------------------------------------------------------------------- delete


@pytest.mark.usefixtures("three")
def test_delete_takes_one_item_or_all(inbox, lynne: Customer) -> None:
    assert inbox("D<INBOXID=1>", lynne) == "Z<REQ=D,ERROR=0>"
    assert inbox("D<INBOXID=1>", lynne) == "Z<REQ=D,ERROR=5125>"
    assert items(inbox.store) == 2
    assert inbox("D<USERID=LynneLevy2,ENTPID=10324488>", lynne) == "Z<REQ=D,ERROR=0>"
    assert items(inbox.store) == 0
    assert inbox("D<USERID=LynneLevy2,ENTPID=10324488>", lynne) == "Z<REQ=D,ERROR=5125>"


@pytest.mark.usefixtures("three")
def test_deleting_all_leaves_what_others_have(inbox, made, lynne: Customer) -> None:
    inbox.native(add("a.csv", USERID="dorod", ENTPID="00022924"))
    inbox("D<USERID=LynneLevy2,ENTPID=10324488>", lynne)
    assert items(inbox.store) == 1


@pytest.mark.usefixtures("three")
def test_a_deleted_items_file_stays(inbox, lynne: Customer, file_root: FileRoot) -> None:
    inbox("D<INBOXID=1>", lynne)
    assert (file_root.folder / "inbox" / "a.csv").read_bytes() == b"1,2"


# -------------------------------------------------------------------------------- time to live


def test_an_item_lives_45_days(inbox, made, clock, lynne: Customer) -> None:
    made()
    inbox.native(add("a.csv"))
    clock.now += 45 * DAY - 1
    assert inbox("F<INBOXID=1>", lynne) == "Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=3>"
    clock.now += 1
    assert inbox("F<INBOXID=1>", lynne) == "Z<REQ=F,ERROR=5100>"
    assert inbox(LIST, lynne) == "Z<REQ=L,ERROR=5100>"
    assert inbox("D<INBOXID=1>", lynne) == "Z<REQ=D,ERROR=5125>"


def test_an_expired_item_is_gone_from_the_store_with_the_next_change(inbox, made, clock) -> None:
    made()
    inbox.native(add("a.csv"))
    clock.now += 45 * DAY
    assert inbox.native(add("a.csv")) == "Z<REQ=A,ERROR=0,INBOXID=2>"
    assert items(inbox.store) == 1


def test_a_new_time_to_live_counts_from_the_arrival(inbox, made, clock, lynne: Customer) -> None:
    made()
    inbox.native(add("a.csv"))
    clock.now += 2 * DAY
    update = "U<ENTPID=10324488,USERID=LynneLevy2,INBOXID=1,TTL=3>"
    assert inbox(update, lynne) == "Z<REQ=U,ERROR=0>"
    clock.now += DAY - 1
    assert inbox(LIST, lynne).endswith("~3>>")
    clock.now += 1
    assert inbox(LIST, lynne) == "Z<REQ=L,ERROR=5100>"


# --------------------------------------------------------------------------------- notifications


def waiting(store: Store) -> list[tuple[str, ...]]:
    table = schema.user_notifications.c
    query = select(
        table.inboxid,
        table.userid,
        table.channel,
        table.severity,
        table.address,
        table.pager,
        table.pin,
        table.text,
    ).order_by(table.id)
    with store.read() as connection:
        return [tuple(map(str, row)) for row in connection.execute(query)]


def test_a_notification_waits_in_the_store_to_be_sent(inbox, made) -> None:
    made()
    told = {"USERID": "jeanvnet2", "ENTPID": "00022924", "SEV": "2", "UNOTIFY": "3"}
    assert inbox.native(add("a.csv", **told)) == "Z<REQ=A,ERROR=0,INBOXID=1>"
    assert waiting(inbox.store) == [
        ("1", "jeanvnet2", "email", "2", "jeanvnet2@customer.example", "", "", "Summary"),
        ("1", "jeanvnet2", "page", "2", "", "SKYTEL", "7195351", "Summary"),
    ]


def test_the_message_goes_before_what_staroe_knows(inbox, made) -> None:
    made()
    told = {
        "SEV": "1",
        "UNOTIFY": "3",
        "MMADDR": "a@b",
        "MMTEXT": "mail,me",
        "PGT": "A",
        "PGPIN": "123",
        "PGTXT": "page",
    }
    assert inbox.native(add("a.csv", **told)) == "Z<REQ=A,ERROR=0,INBOXID=1>"
    assert waiting(inbox.store) == [
        ("1", "LynneLevy2", "email", "1", "a@b", "", "", "mail,me"),
        ("1", "LynneLevy2", "page", "1", "", "A", "123", "page"),
    ]


@pytest.mark.parametrize("level", [{}, {"UNOTIFY": "0"}, {"UNOTIFY": "0", "SEV": ""}])
def test_nobody_is_told_who_need_not_be(inbox, made, level: dict[str, str]) -> None:
    made()
    assert inbox.native(add("a.csv", **level)) == "Z<REQ=A,ERROR=0,INBOXID=1>"
    assert waiting(inbox.store) == []


@pytest.mark.parametrize(
    ("level", "code", "channels"),
    [
        ({"UNOTIFY": "1"}, 5182, []),
        ({"UNOTIFY": "2"}, 5180, []),
        ({"UNOTIFY": "3"}, 5180, []),
        ({"UNOTIFY": "3", "MMADDR": "a@b"}, 5182, ["email"]),
        ({"UNOTIFY": "3", "PGT": "A", "PGPIN": "1"}, 5180, ["page"]),
        ({"UNOTIFY": "1", "PGT": "A"}, 5182, []),
        ({"UNOTIFY": "1", "PGPIN": "1"}, 5182, []),
    ],
)
def test_an_item_whose_user_cannot_be_told_is_there_all_the_same(
    inbox, made, lynne: Customer, level: dict[str, str], code: int, channels: list[str]
) -> None:
    made()
    answer = inbox.native(add("a.csv", SEV="3", **level))
    assert answer == f"Z<REQ=A,ERROR={code},INBOXID=1>"
    assert inbox(LIST, lynne).startswith("Z<REQ=L,ERROR=0,ITEMS=<1~")
    assert [row[2] for row in waiting(inbox.store)] == channels


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"UNOTIFY": "1"}, 5156),
        ({"UNOTIFY": "1", "SEV": "4"}, 5156),
        ({"UNOTIFY": ""}, 5172),
        ({"UNOTIFY": "4"}, 5174),
        ({"UNOTIFY": "2", "SEV": "1", "MMADDR": "nowhere"}, 5179),
        ({"UNOTIFY": "1", "SEV": "1", "ENTPID": ""}, 5164),
        ({"UNOTIFY": "1", "SEV": "1", "ENTPID": "", "USERID": ""}, 5171),
    ],
)
def test_a_notification_that_is_wrong_from_the_start_stores_nothing(
    inbox, made, changes: dict[str, str], code: int
) -> None:
    made()
    assert inbox.native(add("a.csv", **changes)) == f"Z<REQ=A,ERROR={code}>"
    assert (items(inbox.store), waiting(inbox.store)) == (0, [])


@pytest.mark.parametrize("code", [5170, 5178, 5183, 5184, 5185])
def test_a_notification_that_fails_comes_with_the_id_of_its_item(
    inbox, made, clock, file_root: FileRoot, code: int
) -> None:
    def fails(connection: Connection, userid: str) -> Contact:
        raise NotificationFault(code)

    made()
    parts = {"catalogue": catalogue(), "limits": Limits(), "entpid_length": 8}
    inbox.back_end = Inbox(**parts, clock=clock, files=file_root, contacts=fails)
    answer = inbox.answer(add("a.csv", UNOTIFY="2", SEV="1"), None, "inbox-native")
    assert answer.error == code
    assert answer.octets == f"Z<REQ=A,ERROR={code},INBOXID=1>".encode()
    assert items(inbox.store) == 1
