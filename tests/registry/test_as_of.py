"""What was what at a moment: versions, aliases and tags as they were, from the events until then."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest

from autotrack.errors import DataError, ModelNotFoundError
from autotrack.registry import Registry, events
from autotrack.registry.moment import moment
from autotrack.store import Store

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """`clock(moment)`: the next events happen then."""

    def turn(moment: datetime) -> None:
        microseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        monkeypatch.setattr(events.time, "time_ns", lambda: microseconds * 1000)

    return turn


@pytest.fixture(autouse=True)
def may(store: Store, registry: Registry, clock: Callable[[datetime], None]) -> None:
    """1 May: version 1 is champion. 3 May: version 2 is. 5 May: tagged, and version 1 is deleted."""
    clock(NOON)
    registry.register("churn", store.blobs.put(b"1"), alias="champion", description="first")
    clock(NOON + timedelta(days=2))
    registry.register("churn", store.blobs.put(b"2"))
    registry.promote("churn", 2)
    clock(NOON + timedelta(days=4))
    registry.set_tag("churn", 2, "approved", "yes")
    registry.delete_alias("churn", "previous-champion")
    registry.delete_version("churn", 1)


@pytest.mark.parametrize(
    ("moment", "version"),
    [
        ("2026-05-01", 1),
        ("2026-05-02", 1),
        ("2026-05-03", 2),  # a date is the end of that day
        (date(2026, 5, 3), 2),
        ("2026-05-03T11:59:59", 1),
        ("2026-05-03 12:00", 2),
        ("2026-05-03T13:59:59+02:00", 1),
        (NOON + timedelta(days=2), 2),
        (datetime(2026, 5, 3, 11, 0), 1),  # noqa: DTZ001  without a zone it is UTC
        (datetime(2026, 5, 3, 13, 30, tzinfo=timezone(timedelta(hours=2))), 1),
        ("2027-01-01", 2),
    ],
)
def test_alias_means_what_it_meant_then(registry: Registry, moment: str, version: int) -> None:
    assert registry.resolve("churn@champion", as_of=moment).version == version
    assert registry.aliases("churn", as_of=moment)["champion"] == version


def test_versions_have_the_aliases_and_tags_of_then(registry: Registry) -> None:
    then = registry.versions("churn", as_of="2026-05-04")
    assert [(each.version, each.aliases, dict(each.tags)) for each in then] == [
        (1, ("previous-champion",), {}),
        (2, ("champion",), {}),
    ]
    now = registry.versions("churn")
    assert [(each.version, each.aliases, dict(each.tags)) for each in now] == [(2, ("champion",), {"approved": "yes"})]


def test_version_that_was_deleted_since_was_there_then(registry: Registry) -> None:
    assert registry.resolve("churn/1", as_of="2026-05-04").description == "first"
    assert registry.get("churn", as_of="2026-05-02").version == 1
    with pytest.raises(ModelNotFoundError, match="it was deleted by"):
        registry.resolve("churn/1", as_of="2026-05-05")


def test_before_the_first_version_there_was_none(registry: Registry) -> None:
    with pytest.raises(
        ModelNotFoundError,
        match="No model version 'churn@champion' at 2026-04-30 23:59:59 UTC: 'churn' had no versions",
    ):
        registry.resolve("churn@champion", as_of="2026-04-30")
    assert registry.versions("churn", as_of="2026-04-30") == []


@pytest.mark.parametrize("text", ["20260503", "2026-W18-7", " 2026-05-03 "])
def test_date_is_the_end_of_its_day_however_it_is_written(text: str) -> None:
    assert moment(text) == datetime(2026, 5, 3, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["yesterday", "", "2026-13-01", "2026-05", 3, None.__class__, pd.NaT])
def test_what_is_no_moment_is_refused(registry: Registry, moment: str) -> None:
    with pytest.raises(DataError, match="is no moment"):
        registry.resolve("churn@champion", as_of=moment)


def test_clock_that_ran_ahead_once_hides_nothing_that_came_after(
    store: Store, registry: Registry, clock: Callable[[datetime], None]
) -> None:
    clock(NOON + timedelta(days=900))
    registry.register("churn", store.blobs.put(b"3"))
    clock(NOON + timedelta(days=6))
    registry.promote("churn", 3)
    assert registry.resolve("churn@champion", as_of="2026-05-08").version == 3
