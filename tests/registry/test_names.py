"""What models and aliases may be called: names are data, and never become paths."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.errors import InvalidNameError
from autotrack.names import check_model_name
from autotrack.registry import Registry, check_new_names
from autotrack.registry.events import EventLog, folder_of
from autotrack.store import Store

KEPT = [
    "churn",
    "Churn",
    "größe",
    "模型",
    "a b",
    "a.b",
    "...",
    "a%2Fb",
    "%41",
    "📈",
    "tab.",
    "-x",
    "con",
    "3",
    "latest",
]


@pytest.mark.parametrize("name", KEPT)
def test_unusual_name_is_kept_as_it_is(store: Store, name: str) -> None:
    manifest = store.blobs.put(b"manifest")
    Registry(store).register(name, manifest, alias="champion")
    assert Registry(store).list() == [name]
    assert Registry(store).resolve(f"{name}@champion").name == name
    assert Registry(store).resolve(f"{name}/1").manifest == manifest
    assert Registry(store).verify(name) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "a/b",
        "../up",
        "a\\b",
        "a@b",
        "a:b",
        "a\nb",
        "a\x00b",
        "\x1b[31m",
        "ch\u202eurn",
        "\u200fa",
        " a",
        "a ",
        None,
        3,
    ],
)
def test_name_that_cannot_stand_in_a_reference_is_refused(store: Store, name: str) -> None:
    manifest = store.blobs.put(b"manifest")
    with pytest.raises(InvalidNameError, match="Invalid model name"):
        Registry(store).register(name, manifest)
    with pytest.raises(InvalidNameError, match="Invalid model name"):
        Registry(store).versions(name)
    with pytest.raises(InvalidNameError, match="Invalid alias"):
        Registry(store).register("churn", manifest, alias=name or "")
    assert Registry(store).list() == []
    assert not (store.root / "registry").exists()


@pytest.mark.parametrize("alias", ["latest", "Latest", "3", "v3", "V12"])
def test_alias_that_reads_as_a_version_is_refused(store: Store, alias: str) -> None:
    Registry(store).register("churn", store.blobs.put(b"manifest"))
    with pytest.raises(InvalidNameError, match="it reads as a version"):
        Registry(store).set_alias("churn", alias, 1)


def test_names_that_differ_in_case_only_are_two_models(store: Store) -> None:
    registry = Registry(store)
    registry.register("churn", store.blobs.put(b"manifest 1"))
    registry.register("Churn", store.blobs.put(b"manifest 2"))
    assert registry.list() == ["Churn", "churn"]
    assert registry.get("Churn").manifest != registry.get("churn").manifest
    folders = os.listdir(store.root / "registry")
    assert len({folder.lower() for folder in folders}) == 2  # also on file systems that ignore case


@pytest.mark.parametrize(("letter", "most"), [("a", 200), ("A", 66), ("é", 33), ("模", 22), ("📈", 16)])
def test_longest_name_is_kept_and_one_character_more_is_refused(store: Store, letter: str, most: int) -> None:
    registry = Registry(store)
    registry.register(letter * most, store.blobs.put(b"manifest"))
    assert Registry(store).list() == [letter * most]
    with pytest.raises(InvalidNameError, match=r"bytes as a file name.\nExpected at most 200"):
        registry.register(letter * (most + 1), store.blobs.put(b"manifest"))


def test_name_of_ten_thousand_characters_is_refused_in_a_short_message(store: Store) -> None:
    for name in ("a" * 10_000, "模" * 10_000, "a/" * 5_000):
        with pytest.raises(InvalidNameError) as caught:
            Registry(store).register(name, store.blobs.put(b"manifest"))
        assert len(str(caught.value)) < 400
        assert caught.value.__dict__["name"] == name


def test_new_names_are_checked_before_any_work(store_path: Path) -> None:
    check_new_names("churn", "champion")
    with pytest.raises(InvalidNameError):
        check_new_names("churn", "latest")
    with pytest.raises(InvalidNameError):
        check_new_names("a" * 201)
    assert not store_path.exists()


def is_allowed(name: str) -> bool:
    try:
        check_model_name("model name", name)
        folder_of(name)
    except InvalidNameError:
        return False
    return True


@given(st.lists(st.text(max_size=20).filter(is_allowed), unique=True))
def test_folder_of_a_name_is_one_plain_file_name_and_its_own(names: list[str]) -> None:
    folders = [folder_of(name) for name in names]
    assert len({folder.lower() for folder in folders}) == len(names)
    for folder in folders:
        assert folder.isascii()
        assert not set(folder) & set('/\\:*?"<>| \0')
        assert folder not in ("", ".", "..")
        assert not folder.endswith(".")


UNLIKE = {"ch\u200burn": "'\\u200b', which cannot be seen", "cafe\u0301": "not in Unicode's composed form"}


@pytest.mark.parametrize("name", [*UNLIKE, "\u200b", "ch\u00adurn", "\ufeffchurn", "churn\u2060", "\u2126"])
def test_new_name_that_looks_like_another_one_is_refused(store: Store, name: str) -> None:
    registry, manifest = Registry(store), store.blobs.put(b"manifest")
    why = re.escape(UNLIKE.get(name, ""))
    registry.register("churn", manifest)
    with pytest.raises(InvalidNameError, match=f"Invalid model name .*{why}"):
        registry.register(name, manifest)
    for change in (
        lambda: registry.set_alias("churn", name, 1),
        lambda: registry.promote("churn", 1, name),
        lambda: registry.register("churn", manifest, alias=name),
    ):
        with pytest.raises(InvalidNameError, match=f"Invalid alias .*{why}"):
            change()
    assert Registry(store).aliases("churn") == {}
    assert Registry(store).list() == ["churn"]


@pytest.mark.parametrize("name", ["caf\u00e9", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "👩\u200d🔬"])
def test_composed_letters_and_joiners_that_mean_something_are_kept(store: Store, name: str) -> None:
    Registry(store).register(name, store.blobs.put(b"manifest"), alias=name)
    assert Registry(store).resolve(f"{name}@{name}").name == name


@pytest.mark.parametrize("name", UNLIKE)
def test_name_that_was_registered_before_it_was_refused_is_read_and_its_alias_moves(store: Store, name: str) -> None:
    first, second = (store.blobs.put(data) for data in (b"manifest 1", b"manifest 2"))
    log, registered = EventLog(store.backend), {"run_id": None, "tags": {}, "description": ""}
    previous = None
    for number, (op, detail) in enumerate(
        [
            ("register", {"version": 1, "manifest": first, **registered}),
            ("register", {"version": 2, "manifest": second, **registered}),
            ("alias", {"alias": name, "from": None, "to": 1}),
        ]
    ):
        event = log.append(name, number, previous, op=op, by="ann@lab", detail=detail)
        assert event is not None
        previous = event.sha256
    registry = Registry(store)
    assert registry.list() == [name]
    assert registry.resolve(f"{name}@{name}").version == 1
    assert len(registry.history(name)) == 3
    registry.promote(name, 2, name)
    assert registry.rollback(name, name).version == 1
    registry.set_alias(name, name, 2)
    registry.delete_alias(name, name)
    assert registry.verify(name) == []
