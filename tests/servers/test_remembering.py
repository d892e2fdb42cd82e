"""Answers that are remembered, and when they are not."""

from starwire.servers.proxy import Done
from starwire.servers.remembering import RememberedAnswers

DONE = Done(0, b"SRTL<ERROR=0>")


class Tables:
    """Reference tables of some version."""

    def __init__(self) -> None:
        self.version: int | None = 7

    def __call__(self) -> int | None:
        return self.version


def test_an_equal_message_at_the_same_door_gets_the_same_answer():
    answers = RememberedAnswers(Tables())
    assert answers.recall("rm", b"GRTL<>") is None
    answers.keep("rm", b"GRTL<>", answers.version, DONE)
    assert answers.recall("rm", b"GRTL<>") is DONE
    assert answers.recall("rs", b"GRTL<>") is None
    assert answers.recall("rm", b"GRTL< >") is None


def test_a_change_of_the_tables_forgets_all():
    tables = Tables()
    answers = RememberedAnswers(tables)
    answers.recall("rm", b"GRTL<>")
    answers.keep("rm", b"GRTL<>", 7, DONE)
    tables.version = 8
    assert answers.recall("rm", b"GRTL<>") is None
    tables.version = 7  # a number that comes again is no way back
    assert answers.recall("rm", b"GRTL<>") is None


def test_an_answer_worked_out_while_the_tables_changed_is_not_kept():
    tables = Tables()
    answers = RememberedAnswers(tables)
    answers.recall("rm", b"GRTL<>")
    before = answers.version
    tables.version = 8
    answers.keep("rm", b"GRTL<>", before, DONE)
    tables.version = 7
    assert answers.recall("rm", b"GRTL<>") is None


def test_an_answer_of_a_version_that_another_message_has_left_behind_is_not_kept():
    tables = Tables()
    answers = RememberedAnswers(tables)
    answers.recall("rm", b"GRTL<>")
    before = answers.version
    tables.version = 8
    answers.recall("rm", b"GRTD<>")
    tables.version = 7
    answers.keep("rm", b"GRTL<>", before, DONE)
    assert answers.recall("rm", b"GRTL<>") is None


def test_nothing_is_kept_where_nobody_can_tell_the_version():
    tables = Tables()
    tables.version = None
    answers = RememberedAnswers(tables)
    assert answers.recall("rm", b"GRTL<>") is None
    answers.keep("rm", b"GRTL<>", answers.version, DONE)
    assert answers.recall("rm", b"GRTL<>") is None


def test_a_peer_cannot_fill_the_memory():
    answers = RememberedAnswers(Tables())
    answers.recall("rm", b"")
    long = b"GRTL<" + b" " * 1024 + b">"
    answers.keep("rm", long, 7, DONE)
    assert answers.recall("rm", long) is None
    large = Done(0, bytes(3 * 1024 * 1024))
    for name in (b"1", b"2", b"3"):
        answers.keep("rm", name, 7, large)
    assert [answers.recall("rm", name) is None for name in (b"1", b"2", b"3")] == [
        True,
        True,
        False,
    ]
