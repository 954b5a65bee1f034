"""Objects that raise, hang, grow or change while they are pickled: the training is unharmed, the run says why."""

import asyncio
import contextvars
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack.errors import AutotrackWarning, ModelSaveError
from autotrack.model import own_code, pickled
from recorded import only_run

X = np.random.default_rng(0).random((60, 3))
y = (X[:, 0] > 0.5).astype(int)


class Own(BaseException):
    pass


class Model(LogisticRegression):
    """Does something of its own when it is pickled."""

    act: Callable[[Any], Any]

    def __reduce__(self) -> Any:
        return type(self).act(self)


def model_that(act: Callable[[Any], Any]) -> Model:
    return type("Model", (Model,), {"act": staticmethod(act)})(C=0.5)


def raising(error: BaseException | type[BaseException]) -> Callable[[Any], Any]:
    def act(model: Any) -> Any:
        raise error

    return act


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "_never_ended", set())


def fitted_without_a_model(model: Any, store_path: Path, reason: str) -> None:
    """Fit it, recorded: everything is as it should be, but that there is no model, for this reason."""
    plain = LogisticRegression(C=0.5).fit(X, y)
    autotrack.enable(store=store_path)
    with pytest.warns(AutotrackWarning, match=reason):
        result = model.fit(X, y)
    autotrack.disable()
    assert result is model
    assert np.array_equal(model.coef_, plain.coef_)
    run = only_run()
    assert (run.status, run.params["C"]) == ("finished", 0.5)
    assert run.metrics["train_accuracy"] > 0.5
    assert reason in run.lacks["model"]
    assert not run.models


@pytest.mark.parametrize(
    "error",
    [
        *(ValueError("no"), ZeroDivisionError("no"), MemoryError(), AssertionError, RecursionError, StopIteration),
        *(Own("no"), GeneratorExit, asyncio.CancelledError, SystemExit(3), KeyboardInterrupt),
    ],
    ids=lambda error: (error if isinstance(error, type) else type(error)).__name__,
)
@pytest.mark.usefixtures("lenient_guard")
def test_whatever_pickling_raises_is_the_reason_why_there_is_no_model(
    error: BaseException | type[BaseException], store_path: Path
) -> None:
    fitted_without_a_model(model_that(raising(error)), store_path, "cannot be pickled and was not saved")


def sleeping(model: Any) -> Any:
    time.sleep(10)


def looping(model: Any) -> Any:
    while True:
        pass


@pytest.mark.parametrize("act", [sleeping, looping])
@pytest.mark.usefixtures("lenient_guard")
def test_pickling_that_never_ends_is_left_behind(
    act: Callable[[Any], Any], store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "MAX_S", 0.3)
    fitted_without_a_model(model_that(act), store_path, "took longer than 0.3 s")


def test_pickling_that_took_too_long_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "MAX_S", 0.3)
    calls: list[int] = []
    go_on = threading.Event()
    model = model_that(lambda model: (calls.append(1), go_on.wait()))
    for _ in range(3):
        with pytest.raises(ModelSaveError, match="took longer than"):
            pickled.save([model])
    go_on.set()
    assert len(calls) == 1
    assert "model.pkl" in pickled.save([Plain()]).files  # another one of the user's in a list is


class Plain:
    def __getstate__(self) -> Any:
        return {}


def test_code_that_was_left_behind_stops_at_its_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "MAX_S", 0.3)
    threads: list[threading.Thread] = []
    with pytest.raises(ModelSaveError):
        pickled.save(model_that(lambda model: (threads.append(threading.current_thread()), looping(model))))
    threads[0].join(timeout=30)
    assert not threads[0].is_alive()


def endless(make: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda model: (list, (), None, (make() for _ in itertools.count()))


@pytest.mark.parametrize(
    ("make", "reason"),
    [(list, "consists of more than 100,000 objects"), (lambda: os.urandom(100_000), "larger than 0.00976562 GiB")],
    ids=["objects", "bytes"],
)
@pytest.mark.usefixtures("lenient_guard")
def test_pickle_that_grows_without_end_is_refused(
    make: Callable[[], Any], reason: str, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickled, "MAX_OBJECTS", 100_000)
    monkeypatch.setattr(pickled, "MAX_BYTES", 10 << 20)
    fitted_without_a_model(model_that(endless(make)), store_path, reason)


def test_pickle_that_grows_slowly_without_end_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "MAX_S", 0.3)
    monkeypatch.setattr(own_code, "_is_own", lambda definition: False)  # as if a library did it: on this thread
    with pytest.raises(ModelSaveError, match=r"took longer than 0\.3 s to be pickled and"):
        pickled.save(model_that(endless(lambda: (time.sleep(0.001), os.urandom(4000)))))


class Nest:
    def __reduce__(self) -> Any:
        return Nest, (Nest(),)


def chain() -> list[Any]:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize("make", [Nest, chain])
@pytest.mark.usefixtures("lenient_guard")
def test_what_is_nested_deeper_than_the_stack_is_refused(make: Callable[[], Any], store_path: Path) -> None:
    model = LogisticRegression(C=0.5)
    model.deep = make()
    fitted_without_a_model(model, store_path, "recursion")
    while isinstance(model.deep, list) and model.deep:
        model.deep = model.deep[0]  # taking it apart at once would need the stack, too


class Changing:
    def __init__(self, others: Any) -> None:
        self.others = others

    def __getstate__(self) -> Any:
        if isinstance(self.others, dict):
            self.others[len(self.others)] = Changing({})
        else:
            self.others.append(Changing(self.others))
        return {}


@pytest.mark.usefixtures("lenient_guard")
def test_dict_that_changes_while_it_is_pickled_is_the_reason_why_there_is_no_model(store_path: Path) -> None:
    model = LogisticRegression(C=0.5)
    model.parts = {"name": "parts"}
    model.parts["first"] = Changing(model.parts)
    fitted_without_a_model(model, store_path, "changed size during iteration")


@pytest.mark.usefixtures("lenient_guard")
def test_list_that_grows_while_it_is_pickled_is_refused(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled, "MAX_OBJECTS", 20_000)
    model = LogisticRegression(C=0.5)
    model.parts = ["parts"]
    model.parts.append(Changing(model.parts))
    fitted_without_a_model(model, store_path, "consists of more than")


@pytest.fixture
def alarm() -> Iterator[None]:
    def ring(number: int, frame: Any) -> None:
        raise Own("time is up")

    before = signal.signal(signal.SIGUSR1, ring)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("is_own", [True, False], ids=["own thread", "this thread"])
@pytest.mark.usefixtures("alarm")
def test_what_a_signal_handler_of_the_user_raises_reaches_the_user(
    is_own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "_is_own", lambda definition: is_own)
    model = model_that(lambda model: (os.kill(os.getpid(), signal.SIGUSR1), time.sleep(1)))
    with pytest.raises(Own, match="time is up"):
        pickled.save(model)


def test_ctrl_c_while_a_model_is_pickled_reaches_the_user() -> None:
    model = model_that(lambda model: (os.kill(os.getpid(), signal.SIGINT), time.sleep(20)))
    with pytest.raises(KeyboardInterrupt):
        pickled.save(model)


@pytest.mark.slow
def test_model_of_a_module_that_is_being_imported_is_saved(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    (tmp_path / "training.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "from autotrack.model import pickled\n"
        "class Model(LogisticRegression):\n"
        "    def __getstate__(self):\n"
        "        return super().__getstate__()\n"
        "saved = pickled.save(Model())\n"
    )
    found = run_python("""
        import json, sys
        sys.path.insert(0, ".")
        import training
        print(json.dumps(sorted(training.saved.files)))
    """)
    assert found == ["code.sha256", "code/training.py", "model.pkl"]


def test_model_with_pickling_of_its_own_sees_the_callers_context() -> None:
    place: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="nowhere")
    seen: list[str] = []

    def act(model: Any) -> Any:
        seen.append(place.get())
        return str, ()

    place.set("here")
    pickled.save(model_that(act))
    assert set(seen) == {"here"}
