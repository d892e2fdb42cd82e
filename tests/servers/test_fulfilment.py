import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from starwire.grammar import Limits
from starwire.protocol.catalogue import catalogue
from starwire.servers import fulfilment, schema
from starwire.servers.customer import Customer
from starwire.servers.report_manager import ReportManager
from starwire.servers.store import Store
from starwire.servers.user_reports import find_report

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
NRL = (GOLDEN / "nrl.emended.msg").read_text("latin-1")
ANSWERED = "NRLA<ERROR=0,USERID=dorod,USERRPTID=3415,REQUESTID=20341>"


def refused(code: int, *, user: str = "dorod", report: str = "3415", request: str = "20341") -> str:
    return f"NRLA<ERROR={code},USERID={user},USERRPTID={report},REQUESTID={request}>"


def notified(store: Store) -> int:
    with store.read() as connection:
        query = select(func.count()).select_from(schema.notified_reports)
        return connection.execute(query).scalar_one()


def state(store: Store, request: int) -> tuple[str, int | None, str]:
    """State and error of a request, and the status of its report."""
    table = schema.requests.c
    with store.read() as connection:
        row = connection.execute(
            select(table.state, table.error, table.report).where(table.id == request)
        ).one()
        report = find_report(connection, row.report)
    assert report is not None
    return row.state, row.error, report.status


# -------------------------------------------------------------------------------------------- NRL


@pytest.mark.parametrize("form", ["printed", "emended"])
def test_the_printed_notification_is_taken(rm, form: str) -> None:
    assert rm.native((GOLDEN / f"nrl.{form}.msg").read_bytes()) == ANSWERED


def test_a_notification_is_kept_and_completes_request_and_report(rm, clock) -> None:
    message = NRL.replace(">", ",TOTAL=<<36,302.90><58,32.17>>,ERR=1>")
    assert rm.native(message) == ANSWERED
    with rm.store.read() as connection:
        row = connection.execute(select(schema.notified_reports)).mappings().one()
    assert dict(row) == {
        "id": 1,
        "requestid": 20341,
        "userrptid": 3415,
        "stdrptid": 40,
        "userid": "dorod",
        "entpid": "00022924",
        "type": "Sim-Msg-40",
        "category": "R",
        "title": "Hours of August",
        "priority": "",
        "compress": "0",
        "loc": "/inbox/files/testODS/STDRPTID43TM_082598_084920.CSV",
        "fsize": 389,
        "presorted": "0",
        "err": "1",
        "total": "<<36,302.90><58,32.17>>",
        "fulserver": "",
        "received": clock.now,
        "delivered": None,
    }
    assert state(rm.store, 20341) == ("fulfilled", None, "C")


def test_a_repetition_is_told_so_and_changes_nothing(rm) -> None:
    rm.native(NRL)
    assert rm.native(NRL) == refused(6050)
    assert notified(rm.store) == 1


def test_two_at_once_are_one_and_a_repetition(rm) -> None:
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(rm.native(NRL))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [ANSWERED, *[refused(6050)] * 3]
    assert notified(rm.store) == 1


@pytest.mark.parametrize(
    ("old", "new", "response"),
    [
        ("REQUESTID=20341", "REQUESTID=20340", refused(6707, request="20340")),
        ("USERID=dorod", "USERID=jeanvnet2", refused(6115, user="jeanvnet2")),
        ("ENTPID=00022924", "ENTPID=10324488", refused(6115)),
        ("STDRPTID=40,", "STDRPTID=43,", refused(6115)),
        ("USERRPTID=3415", "USERRPTID=245", refused(6115, report="245")),
        ("TM_082598_084920.CSV", "TM.CSV", refused(6108)),
        ("LOC=/inbox/", "LOC=/inbox/../inbox/", refused(6108)),
        ("LOC=/inbox/files/testODS/", "LOC=/inbox/files/", refused(6108)),
        ("FSIZE=389", "FSIZE=388", refused(6707)),
        ("FSIZE=389", "FSIZE=390", refused(6707)),
        ("FSIZE=389,", "", refused(6817)),
        ("REQUESTID=20341,", "", "NRLA<ERROR=6701,USERID=dorod,USERRPTID=3415>"),
        (
            "USERRPTID=3415,",
            "",
            "NRLA<ERROR=6600,USERID=dorod,REQUESTID=20341>",
        ),
    ],
)
def test_a_notification_that_is_not_credible_changes_nothing(
    rm, old: str, new: str, response: str
) -> None:
    assert old in NRL
    assert rm.native(NRL.replace(old, new)) == response
    assert notified(rm.store) == 0
    assert state(rm.store, 20341) == ("acknowledged", None, "R")
    assert rm.native(NRL) == ANSWERED


def test_zeros_before_an_id_are_not_part_of_it(rm) -> None:
    message = NRL.replace("=40,", "=0040,").replace("=3415", "=003415").replace("20341", "0020341")
    assert rm.native(message) == ("NRLA<ERROR=0,USERID=dorod,USERRPTID=3415,REQUESTID=0020341>")
    assert rm.native(NRL) == refused(6050)


def test_a_deleted_report_has_no_request_any_more(rm, dorod: Customer) -> None:
    rm("DRD<USERID=dorod,USERRPTID=3415>", dorod)
    assert rm.native(NRL) == refused(6707)


def test_a_server_without_requester_brings_a_title(rm) -> None:
    message = NRL.replace("USERRPTID=3415,REQUESTID=20341", "REPORTTITLE=Bill, of May")
    assert rm.native(message.replace("STDRPTID=40", "STDRPTID=7")) == ("NRLA<ERROR=0,USERID=dorod>")
    with rm.store.read() as connection:
        row = connection.execute(select(schema.notified_reports)).mappings().one()
    assert (row["title"], row["category"], row["userrptid"]) == ("Bill, of May", "R", None)
    nobody = message.replace("dorod", "nobody")
    assert rm.native(nobody) == "NRLA<ERROR=6115,USERID=nobody>"


@pytest.mark.parametrize(
    ("template", "extra", "category"), [("8", "", "D"), ("40", "", "R"), ("40", ",CATEGORY=D", "D")]
)
def test_the_category_is_the_templates_unless_it_is_told(
    rm, template: str, extra: str, category: str
) -> None:
    message = NRL.replace("USERRPTID=3415,REQUESTID=20341", "REPORTTITLE=t")
    rm.native(message.replace("STDRPTID=40", f"STDRPTID={template}").replace(">", f"{extra}>"))
    with rm.store.read() as connection:
        found = connection.execute(select(schema.notified_reports.c.category)).scalar_one()
    assert found == category


def test_the_fulfilling_server_is_named_where_the_configuration_asks(rm, clock, file_root) -> None:
    parts = {"catalogue": catalogue(), "limits": Limits(), "entpid_length": 8}
    rm.back_end = ReportManager(**parts, clock=clock, files=file_root, fulserver=True)
    assert rm.native(NRL) == refused(6819)
    assert rm.native(NRL.replace(">", ",FULSERVER=>")) == refused(6820)
    assert rm.native(NRL.replace(">", ",FULSERVER=ODS>")) == ANSWERED
    with rm.store.read() as connection:
        found = connection.execute(select(schema.notified_reports.c.fulserver)).scalar_one()
    assert found == "ODS"


def test_an_exception_in_the_middle_of_a_notification_leaves_nothing(
    rm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*arguments: object, **values: object) -> None:
        raise RuntimeError("the report is not marked yet")

    monkeypatch.setattr(fulfilment, "set_report", break_down)
    with pytest.raises(RuntimeError, match="not marked yet"):
        rm.native(NRL)
    assert notified(rm.store) == 0
    assert state(rm.store, 20341) == ("acknowledged", None, "R")


def test_through_a_dispatcher_the_messages_of_servers_are_unknown(rm, dorod: Customer) -> None:
    for message in (NRL, "ARDA<ERROR=0,REQUESTID=20341>", "METADATA<USERRPTID=3415>"):
        acronym = message.partition("<")[0]
        assert rm(message, dorod) == f"{acronym}<ERROR=6104>"


# ------------------------------------------------------------------------------------------- ARDA


@pytest.mark.parametrize(
    ("message", "response", "after"),
    [
        (
            "ARDA<ERROR=0,USERRPTID=3415,REQUESTID=20341>",
            "ARDA<ERROR=0,USERRPTID=3415,REQUESTID=20341>",
            ("acknowledged", 0, "R"),
        ),
        (
            "ARDA<ERROR=0,REQUESTID=20341>",
            "ARDA<ERROR=0,USERRPTID=3415,REQUESTID=20341>",
            ("acknowledged", 0, "R"),
        ),
        (
            "ARDA<ERROR=6612,REQUESTID=20341>",
            "ARDA<ERROR=0,USERRPTID=3415,REQUESTID=20341>",
            ("refused", 6612, "F"),
        ),
        (
            "ARDA<ERROR=0,USERRPTID=245,REQUESTID=20341>",
            "ARDA<ERROR=6707,USERRPTID=245,REQUESTID=20341>",
            ("acknowledged", None, "R"),
        ),
        (
            "ARDA<ERROR=0,USERRPTID=3415,REQUESTID=20342>",
            "ARDA<ERROR=6707,USERRPTID=3415,REQUESTID=20342>",
            ("acknowledged", None, "R"),
        ),
        (
            "ARDA<USERRPTID=3415,REQUESTID=20341>",
            "ARDA<ERROR=6701,USERRPTID=3415,REQUESTID=20341>",
            ("acknowledged", None, "R"),
        ),
    ],
)
def test_an_acknowledgment_is_kept_with_its_request(
    rm, message: str, response: str, after: tuple[str, int | None, str]
) -> None:
    assert rm.native(message) == response
    assert state(rm.store, 20341) == after


def test_an_acknowledgment_behind_the_report_takes_nothing_back(rm) -> None:
    rm.native(NRL)
    assert rm.native("ARDA<ERROR=6101,REQUESTID=20341>") == (
        "ARDA<ERROR=0,USERRPTID=3415,REQUESTID=20341>"
    )
    assert state(rm.store, 20341) == ("fulfilled", None, "C")


def test_a_report_that_is_deleted_while_its_server_answers(rm, dorod: Customer) -> None:
    """Whoever comes first, both get an answer: neither waits for the other for ever."""

    def ask(message: str) -> None:
        start.wait()
        answers.append(rm.native(message))

    for number in range(3416, 3424):
        ad_hoc = "A<START=199801010000,END=199801020000>"
        rm.native(
            "ARD<USERID=dorod,ENTPID=00022924,STDRPTID=40,NAME=n,PRODUCT=S,CATEGORY=c,"
            f"SCHEDULE={ad_hoc},ACTIVE=1,RANGETYPE=1,SCHEDTYPE=A,TIMEZONE=45,"
            "BILLING=<<1,a>>,EMAIL=0,PAGE=0>"
        )
        request = number + 28782
        start = threading.Barrier(3, timeout=30)
        answers: list[str] = []
        threads = [
            threading.Thread(target=ask, args=[message])
            for message in (
                f"DRD<USERID=dorod,USERRPTID={number}>",
                f"ARDA<ERROR=6101,REQUESTID={request}>",
                NRL.replace("3415", str(number)).replace("20341", str(request)),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.partition(",")[0] for answer in answers) in [
            [arda, "DRDA<ERROR=0", nrla]
            for arda in ("ARDA<ERROR=0", "ARDA<ERROR=6707")
            for nrla in ("NRLA<ERROR=0", "NRLA<ERROR=6707")
        ]
