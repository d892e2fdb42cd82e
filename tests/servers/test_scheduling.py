from datetime import UTC, datetime

import pytest

from starwire.servers.scheduling import next_due, stamp


def at(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("schedule", "now", "offset", "due"),
    [
        ("A", "1998-08-25 08:49", -5, "1998-08-25 08:49"),
        ("H", "1998-08-25 08:49", -5, "1998-08-25 09:00"),
        ("H", "1998-08-25 23:00", 0, "1998-08-26 00:00"),
        # 03:49 in New York: midnight there is 05:00 GMT.
        ("D", "1998-08-25 08:49", -5, "1998-08-26 05:00"),
        # 23:49 of the day before in New York.
        ("D", "1998-08-25 04:49", -5, "1998-08-25 05:00"),
        # It is the 26th already in Auckland.
        ("D", "1998-08-25 12:00", 13, "1998-08-26 11:00"),
        ("D", "1998-08-25 11:59", -12, "1998-08-25 12:00"),
        # 25 August 1998 was a Tuesday, the 31st a Monday.
        ("W", "1998-08-25 08:49", 0, "1998-08-31 00:00"),
        ("W", "1998-08-30 23:59", 0, "1998-08-31 00:00"),
        ("W", "1998-08-31 00:00", 0, "1998-09-07 00:00"),
        ("M", "1998-08-25 08:49", -5, "1998-09-01 05:00"),
        ("M", "1998-12-31 23:59", 0, "1999-01-01 00:00"),
        ("M", "1998-01-31 12:00", 0, "1998-02-01 00:00"),
        ("M", "1998-02-01 03:00", -5, "1998-02-01 05:00"),
    ],
)
def test_a_report_is_due_when_its_period_ends_where_its_user_is(
    schedule: str, now: str, offset: int, due: str
) -> None:
    assert next_due(schedule, at(now), offset) == at(due)


@pytest.mark.parametrize("schedule", ["H", "D", "W", "M"])
def test_a_recurring_report_is_due_later_than_now(schedule: str) -> None:
    midnight = at("1998-06-01 00:00")  # of a Monday that begins a month
    assert next_due(schedule, midnight, 0) > midnight


def test_another_schedule_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="'Y' is no SCHEDULE"):
        next_due("Y", 0.0, 0)


def test_a_stamp_is_written_like_rqstdt_in_gmt() -> None:
    assert stamp(at("1998-01-02 15:18") + 59.9) == "1998-01-02 15:18"
