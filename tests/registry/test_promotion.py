"""Promotion and rollback: one event moves the alias and remembers where it was; a second rollback goes further back."""

import json
from pathlib import Path

import pytest

from autotrack.errors import InvalidNameError, ModelNotFoundError, RegistryConflictError
from autotrack.registry import Registry
from autotrack.registry.events import EventLog
from autotrack.store import Store


@pytest.fixture(autouse=True)
def four_versions(store: Store, registry: Registry) -> None:
    for number in (1, 2, 3, 4):
        registry.register("churn", store.blobs.put(f"manifest {number}".encode()))


def test_promotion_points_previous_champion_at_the_one_before_in_one_event(registry: Registry) -> None:
    assert registry.promote("churn", 1).aliases == ("champion",)
    assert registry.aliases("churn") == {"champion": 1}  # there was none before
    promoted = registry.promote("churn", 2, reason="as agreed", by="ann@lab")
    assert (promoted.version, promoted.aliases) == (2, ("champion",))
    assert registry.aliases("churn") == {"champion": 2, "previous-champion": 1}
    event = registry.history("churn")[-1]
    assert (event.op, event.by, event.detail["reason"]) == ("alias", "ann@lab", "as agreed")
    assert len(registry.history("churn")) == 6


def test_promotion_to_where_it_points_already_writes_nothing(registry: Registry) -> None:
    registry.promote("churn", 1)
    before = registry.history("churn")
    assert registry.promote("churn", 1, reason="again").version == 1
    assert registry.history("churn") == before


def test_any_alias_may_be_promoted_to(registry: Registry) -> None:
    registry.promote("churn", 1, to="staging")
    registry.promote("churn", 3, to="staging")
    assert registry.aliases("churn") == {"previous-staging": 1, "staging": 3}


@pytest.mark.parametrize("alias", ["previous-champion", "latest", "v3", "3", "@x", "a" * 245, "x\u0000"])
def test_alias_that_cannot_have_a_previous_one_is_refused(registry: Registry, alias: str) -> None:
    before = registry.history("churn")
    with pytest.raises(InvalidNameError):
        registry.promote("churn", 1, to=alias)
    assert registry.history("churn") == before


def test_rollback_goes_back_step_by_step_and_previous_shows_where_the_next_one_leads(registry: Registry) -> None:
    for number in (1, 2, 3):
        registry.promote("churn", number)
    assert registry.rollback("churn", reason="wrong on Mondays").version == 2
    assert registry.aliases("churn") == {"champion": 2, "previous-champion": 1}
    assert registry.history("churn")[-1].detail["reason"] == "wrong on Mondays"
    assert registry.rollback("churn", "champion").version == 1
    assert registry.aliases("churn") == {"champion": 1}
    with pytest.raises(ModelNotFoundError, match="before version 1 it pointed at none that is left"):
        registry.rollback("churn")


def test_what_was_rolled_back_is_not_come_back_to(registry: Registry) -> None:
    for number in (1, 2):
        registry.promote("churn", number)
    registry.rollback("churn")
    registry.promote("churn", 3)
    assert registry.rollback("churn").version == 1


def test_rollback_passes_over_deleted_versions(registry: Registry) -> None:
    for number in (1, 2, 3, 4):
        registry.promote("churn", number)
    registry.delete_version("churn", 2)
    assert registry.rollback("churn").version == 3
    assert registry.aliases("churn")["previous-champion"] == 1
    assert registry.rollback("churn").version == 1


def test_rollback_undoes_a_plain_move_too(registry: Registry) -> None:
    registry.set_alias("churn", "champion", 1)
    registry.set_alias("churn", "champion", 4)
    assert registry.rollback("churn").version == 1


def test_where_rollback_leads_is_not_deleted(registry: Registry) -> None:
    registry.promote("churn", 1)
    registry.promote("churn", 2)
    with pytest.raises(RegistryConflictError, match="'churn@previous-champion' points at it"):
        registry.delete_version("churn", 1)
    registry.delete_alias("churn", "previous-champion")
    registry.delete_version("churn", 1)
    with pytest.raises(ModelNotFoundError, match="none that is left"):
        registry.rollback("churn")


def test_rollback_of_an_unknown_alias_names_the_nearest(registry: Registry) -> None:
    registry.promote("churn", 1)
    with pytest.raises(ModelNotFoundError, match=r"No alias 'champoin' to roll back: .* Did you mean 'champion'\?"):
        registry.rollback("churn", "champoin")


def test_of_two_who_promote_with_the_same_expectation_one_is_told(store: Store, registry: Registry) -> None:
    other = Registry(store)
    registry.promote("churn", 1)
    registry.promote("churn", 2, expect=1, by="ann@lab")
    with pytest.raises(RegistryConflictError, match=r"it points at version 2 \(ann@lab did that"):
        other.promote("churn", 3, expect=1)
    assert registry.aliases("churn") == {"champion": 2, "previous-champion": 1}
    with pytest.raises(RegistryConflictError, match="Expected no such alias yet"):
        other.promote("churn", 3, expect=None)


def test_version_that_is_not_there_is_not_promoted(registry: Registry) -> None:
    with pytest.raises(ModelNotFoundError, match="No model version 'churn/9'"):
        registry.promote("churn", 9)


def test_another_process_sees_the_same_state(store: Store, registry: Registry, store_path: Path) -> None:
    for number in (1, 2, 3):
        registry.promote("churn", number)
    registry.rollback("churn")
    fresh = Registry(Store.open(store_path))
    assert fresh.aliases("churn") == registry.aliases("churn") == {"champion": 2, "previous-champion": 1}
    assert fresh.rollback("churn").version == 1


def test_event_of_a_promotion_is_an_alias_event_that_older_readers_understand(store: Store, registry: Registry) -> None:
    registry.promote("churn", 1)
    registry.promote("churn", 2)
    newest = max((store.root / "registry" / "churn").glob("0*.json"))
    event = json.loads(newest.read_text())
    assert {"op": "alias", "alias": "champion", "from": 1, "to": 2, "also": {"previous-champion": 1}}.items() <= (
        event.items()
    )


def test_version_deleted_by_a_writer_that_does_not_know_previous_aliases_leaves_none_dangling(
    store: Store, registry: Registry
) -> None:
    registry.promote("churn", 1)
    registry.promote("churn", 2)
    newest = registry.history("churn")[-1]
    log = EventLog(store.backend)
    assert log.append("churn", newest.number + 1, newest.sha256, op="delete", by="old", detail={"version": 1})
    assert registry.aliases("churn") == {"champion": 2}
    assert registry.verify("churn") == []
