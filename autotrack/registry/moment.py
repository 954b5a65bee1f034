"""Moments as people write them: `2026-05-03` (all of that day), `2026-05-03T14:00`, an aware datetime."""

from datetime import UTC, date, datetime

from autotrack.errors import DataError

__all__ = ["moment"]

_DATE = len("2026-05-03")  # characters; a text with a time has more


def moment(value: str | date) -> datetime:
    """The moment that is meant, in UTC.

    Args:
        value: A datetime or an ISO text; without a zone it is UTC. A date alone is the end of that day.

    Raises:
        DataError: It is neither.
    """
    try:
        if isinstance(value, str):
            text = value.strip()
            value = (date if len(text) <= _DATE else datetime).fromisoformat(text)
        if type(value).__name__ == "NaTType":  # pandas': a datetime, and none
            raise ValueError
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, 23, 59, 59, 999_999, tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise DataError(
        f"{value!r} is no moment.\nExpected a date or time such as '2026-05-03' or '2026-05-03T14:00+02:00', or a "
        "datetime; without a zone it is UTC.",
        value=value,
    )
