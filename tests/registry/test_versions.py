"""Versions and aliases: numbered once and for ever, moved by compare-and-set, and said clearly where they are not."""

from typing import Any

import numpy as np
import pytest

import autotrack
from autotrack.errors import (
    DataError,
    InvalidNameError,
    ModelNotFoundError,
    RegistryConflictError,
)
from autotrack.registry import Registry
from autotrack.store import Store


def package(store: Store, number: int = 1) -> str:
    """A manifest the store keeps; the registry looks at no more than its being there."""
    return store.blobs.put(f"manifest {number}".encode())


def three_versions(store: Store, registry: Registry) -> None:
    for number in (1, 2, 3):
        registry.register("churn", package(store, number))


def test_versions_are_numbered_from_one_without_gaps(store: Store, registry: Registry) -> None:
    numbers = [registry.register("churn", package(store, number)).version for number in range(5)]
    assert numbers == [1, 2, 3, 4, 5]
    assert [version.version for version in registry.versions("churn")] == numbers
    assert registry.get("churn").version == 5


def test_each_model_is_numbered_on_its_own(store: Store, registry: Registry) -> None:
    registry.register("churn", package(store, 1))
    registry.register("churn", package(store, 2))
    assert registry.register("fraud", package(store, 1)).version == 1
    assert registry.list() == ["churn", "fraud"]


def test_what_was_registered_is_what_is_read(store: Store, registry: Registry) -> None:
    made = registry.register(
        "churn",
        package(store),
        run_id="0199",
        alias="champion",
        tags={"team": "growth", "rounds": 3},
        description="first",
        by="ann@lab",
    )
    read = Registry(store).get("churn")
    assert read == made
    assert (read.name, read.version, read.manifest, read.run_id) == ("churn", 1, package(store), "0199")
    assert (read.aliases, read.description, read.created_by) == (("champion",), "first", "ann@lab")
    assert dict(read.tags) == {"team": "growth", "rounds": "3"}
    assert read.created_at.tzinfo is not None


def test_identical_package_is_the_version_it_already_is(store: Store, registry: Registry) -> None:
    first = registry.register("churn", package(store, 1))
    registry.register("churn", package(store, 2))
    again = registry.register("churn", package(store, 1), run_id="another")
    assert again == first
    assert len(registry.history("churn")) == 2


def test_identical_package_takes_new_tags_alias_and_description(store: Store, registry: Registry) -> None:
    registry.register("churn", package(store), tags={"team": "growth", "kept": "yes"})
    again = registry.register("churn", package(store), alias="champion", tags={"team": "risk"}, description="better")
    assert (again.version, again.aliases, again.description) == (1, ("champion",), "better")
    assert dict(again.tags) == {"team": "risk", "kept": "yes"}
    assert [event.op for event in registry.history("churn")] == ["register", "tag", "describe", "alias"]


def test_same_package_may_be_a_version_of_two_models(store: Store, registry: Registry) -> None:
    assert registry.register("churn", package(store)).version == 1
    assert registry.register("fraud", package(store)).version == 1


def test_number_of_a_deleted_version_is_never_given_again(store: Store, registry: Registry) -> None:
    three_versions(store, registry)
    registry.delete_version("churn", 3)
    registry.delete_version("churn", 1)
    assert [version.version for version in registry.versions("churn")] == [2]
    assert registry.get("churn").version == 2
    assert registry.register("churn", package(store, 4)).version == 4
    assert registry.register("churn", package(store, 3)).version == 5  # deleted is deleted: the same package is new


def test_model_without_versions_left_keeps_its_history_and_its_numbers(store: Store, registry: Registry) -> None:
    registry.register("churn", package(store))
    registry.delete_version("churn", 1)
    assert registry.list() == []
    assert registry.versions("churn") == []
    assert [event.op for event in registry.history("churn")] == ["register", "delete"]
    with pytest.raises(ModelNotFoundError, match="has no versions left, all were deleted"):
        registry.get("churn")
    assert registry.register("churn", package(store)).version == 2


def test_version_with_an_alias_is_not_deleted(store: Store, registry: Registry) -> None:
    three_versions(store, registry)
    registry.set_alias("churn", "champion", 2)
    with pytest.raises(RegistryConflictError, match=r"'churn@champion' points at it.\nExpected a version without"):
        registry.delete_version("churn", 2)
    registry.delete_alias("churn", "champion")
    registry.delete_version("churn", 2)
    assert [version.version for version in registry.versions("churn")] == [1, 3]


def test_alias_moves_and_history_says_from_where_to_where_by_whom(store: Store, registry: Registry) -> None:
    three_versions(store, registry)
    registry.set_alias("churn", "champion", 1, by="ann@lab")
    registry.set_alias("churn", "champion", 3, by="bob@lab")
    assert registry.resolve("churn@champion").version == 3
    assert registry.resolve("churn/1").aliases == ()
    moves = [event for event in registry.history("churn") if event.op == "alias"]
    assert [(move.by, move.detail["from"], move.detail["to"]) for move in moves] == [
        ("ann@lab", None, 1),
        ("bob@lab", 1, 3),
    ]


def test_alias_that_points_there_already_writes_nothing(store: Store, registry: Registry) -> None:
    registry.register("churn", package(store), alias="champion")
    before = registry.history("churn")
    registry.set_alias("churn", "champion", 1)
    assert registry.history("churn") == before


@pytest.mark.parametrize("expect", [1, 3, None])
def test_alias_is_not_moved_from_where_it_is_not_expected(store: Store, registry: Registry, expect: int | None) -> None:
    three_versions(store, registry)
    registry.set_alias("churn", "champion", 2, by="bob@lab")
    with pytest.raises(RegistryConflictError, match=r"it points at version 2 \(bob@lab did that at ") as caught:
        registry.set_alias("churn", "champion", 3, expect=expect)
    assert caught.value.__dict__["current"] == 2
    assert registry.resolve("churn@champion").version == 2


def test_alias_is_moved_from_where_it_is_expected(store: Store, registry: Registry) -> None:
    three_versions(store, registry)
    registry.set_alias("churn", "champion", 1, expect=None)
    assert registry.set_alias("churn", "champion", 2, expect=1).aliases == ("champion",)
    registry.delete_alias("churn", "champion")
    with pytest.raises(RegistryConflictError, match="does not exist"):
        registry.set_alias("churn", "champion", 3, expect=2)


@pytest.mark.parametrize("tags", [["a"], "ab", {"a"}])
def test_tags_without_keys_are_told_before_any_work(store: Store, registry: Registry, tags: Any) -> None:
    for register in (
        lambda: registry.register("churn", "no manifest", tags=tags),
        lambda: autotrack.register_model("no run", "churn", tags=tags),
    ):
        with pytest.raises(DataError, match=r"Tags of type .* cannot be recorded\.\nExpected a value for each key"):
            register()
    with pytest.raises(InvalidNameError, match="Invalid tag"):
        autotrack.register_model("no run", "churn", tags={1: "a"})  # type: ignore[dict-item]


def test_tags_are_set_replaced_and_removed(store: Store, registry: Registry) -> None:
    registry.register("churn", package(store), tags={"stage": "new"})
    assert dict(registry.set_tag("churn", 1, "stage", "old").tags) == {"stage": "old"}
    assert dict(registry.set_tag("churn", 1, "größe", "3 kg").tags) == {"stage": "old", "größe": "3 kg"}
    assert dict(registry.set_tag("churn", 1, "stage", None).tags) == {"größe": "3 kg"}
    assert registry.set_description("churn", 1, "What it is\nand for whom").description == "What it is\nand for whom"


def test_version_may_be_any_integer_and_nothing_else(store: Store, registry: Registry) -> None:
    registry.register("churn", package(store))
    assert registry.set_alias("churn", "champion", np.int64(1)).version == 1
    assert Registry(store).resolve("churn@champion").version == 1
    for version in ("1", 1.0, None):
        with pytest.raises(ModelNotFoundError, match="a version is a whole number, and this is of type"):
            registry.set_tag("churn", version, "a", "b")  # type: ignore[arg-type]


def test_unknown_model_is_told_with_the_nearest_name(store: Store, registry: Registry) -> None:
    registry.register("churn-weekly", package(store))
    expected = "No model 'churn-wekly' is registered in this store. Did you mean 'churn-weekly'?\nExpected the name"
    asked = "churn-wekly"
    for ask in (
        lambda: registry.get(asked),
        lambda: registry.versions(asked),
        lambda: registry.history(asked),
        lambda: registry.verify(asked),
        lambda: registry.resolve(f"{asked}@champion"),
        lambda: registry.set_alias(asked, "champion", 1),
        lambda: registry.delete_alias(asked, "champion"),
        lambda: registry.set_tag(asked, 1, "a", "b"),
        lambda: registry.delete_version(asked, 1),
    ):
        with pytest.raises(ModelNotFoundError) as caught:
            ask()  # type: ignore[no-untyped-call]
        assert str(caught.value).startswith(expected)


def test_unknown_alias_is_told_with_what_there_is_and_the_nearest(store: Store, registry: Registry) -> None:
    three_versions(store, registry)
    registry.set_alias("churn", "champion", 1)
    with pytest.raises(ModelNotFoundError) as caught:
        registry.resolve("churn@champoin")
    assert str(caught.value) == (
        "No model version 'churn@champoin': 'churn' has versions 1-3 and the alias 'champion'. "
        "Did you mean 'champion'?\n"
        "Expected name@alias or name/number. See them with: autotrack models show churn"
    )
    with pytest.raises(ModelNotFoundError, match=r"No alias 'champoin' to delete.*Did you mean 'champion'\?"):
        registry.delete_alias("churn", "champoin")


def test_unknown_version_is_told_with_those_there_are(store: Store, registry: Registry) -> None:
    three_versions(store, registry)
    registry.delete_version("churn", 2, by="ann@lab")
    with pytest.raises(ModelNotFoundError, match="No model version 'churn/7': 'churn' has versions 1, 3 and no alias"):
        registry.resolve("churn/7")
    with pytest.raises(ModelNotFoundError, match=r"'churn/2': it was deleted by ann@lab on \d{4}-\d\d-\d\d; 'churn' "):
        registry.resolve("churn/2")


def test_only_packages_of_this_store_are_registered(registry: Registry) -> None:
    for manifest in ("0" * 64, "../../etc/passwd", ""):
        with pytest.raises(ModelNotFoundError, match="There is no model package"):
            registry.register("churn", manifest)
    assert registry.list() == []


def test_model_of_a_run_is_no_registered_version(registry: Registry) -> None:
    with pytest.raises(InvalidNameError, match="'run:0199' is a model of a run, not a registered one"):
        registry.resolve("run:0199")


def test_many_versions_are_summed_up_in_errors(store: Store, registry: Registry) -> None:
    for number in range(40):
        registry.register("churn", package(store, number), alias=f"alias-{number:02}" if number < 12 else None)
    for number in range(14, 40, 2):
        registry.delete_version("churn", number)
    with pytest.raises(ModelNotFoundError) as caught:
        registry.resolve("churn/99")
    first = str(caught.value).splitlines()[0]
    assert "versions 1-13, 15, 17, …, " in first
    assert "'alias-07', …" in first
    assert len(first) < 250
