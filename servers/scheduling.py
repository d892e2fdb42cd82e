"""When a report is due (CAT-07)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

AD_HOC = "A"


def next_due(schedule: str, now: float, offset: int) -> float:
    """When a report of that SCHEDULE is due for the first time after `now`.

    An ad hoc one at once; the others when the period under way ends in the report's time zone,
    `offset` hours east of GMT: the full hour, midnight, the midnight that begins Monday, the one
    that begins the month.
    """
    if schedule == AD_HOC:
        return now
    local = datetime.fromtimestamp(now, UTC) + timedelta(hours=offset)
    hour = local.replace(minute=0, second=0, microsecond=0)
    midnight = hour.replace(hour=0)
    if schedule == "H":
        due = hour + timedelta(hours=1)
    elif schedule == "D":
        due = midnight + timedelta(days=1)
    elif schedule == "W":
        due = midnight + timedelta(days=7 - midnight.weekday())
    elif schedule == "M":
        due = (midnight.replace(day=1) + timedelta(days=31)).replace(day=1)
    else:
        raise ValueError(f"{schedule!r} is no SCHEDULE")
    return (due - timedelta(hours=offset)).timestamp()


@lru_cache(4096)
def stamp(when: float) -> str:
    """`when` in GMT, written as RQSTDT is: YYYY-MM-DD HH:MM."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M")
