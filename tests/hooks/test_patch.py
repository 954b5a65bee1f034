"""Watching a function never changes what it does."""

import inspect
import pickle
import sys
import textwrap
import threading
import types
import warnings

import cloudpickle
import pytest

from autotrack import guard
from autotrack.errors import AutotrackWarning
from autotrack.hooks import Patch


class Base:
    def inherited(self):
        return "inherited"


class Target(Base):
    def method(self, x, *, y=1):
        """Doc."""
        return (x, y)

    @staticmethod
    def static(x):
        return x

    @classmethod
    def of_class(cls, x):
        return cls, x

    def fails(self):
        raise ValueError("theirs")


class Log:
    """Hooks that write down what they see."""

    def __init__(self):
        self.seen = []

    def hook(self):
        def watch(call):
            self.seen.append(("before", call.args[1:], call.kwargs))
            yield
            self.seen.append(("after", call.result, call.error))

        return watch


@pytest.fixture
def lenient(monkeypatch):
    monkeypatch.setattr(guard, "STRICT", False)
    monkeypatch.setattr(guard, "_told", set())


def test_hook_sees_arguments_and_result_of_each_call():
    log = Log()
    patch = Patch(Target, "method", log.hook())
    try:
        assert Target().method(1, y=2) == (1, 2)
    finally:
        patch.undo()
    assert log.seen == [("before", (1,), {"y": 2}), ("after", (1, 2), None)]


def test_exception_of_the_function_reaches_the_caller_as_the_same_object_and_is_not_kept_alive():
    log, kept = Log(), ValueError("theirs")

    def raises():
        raise kept

    module = types.SimpleNamespace(raises=raises)
    patch = Patch(module, "raises", log.hook())
    with pytest.raises(ValueError, match="theirs") as caught:
        module.raises()
    assert caught.value is kept
    assert log.seen[1] == ("after", None, kept)
    patch.undo()


def test_failing_hook_is_told_once_and_the_function_still_runs_once(lenient):
    calls = []
    module = types.SimpleNamespace(work=lambda: calls.append(1) or "done")

    def broken(call):
        raise RuntimeError("ours")
        yield

    patch = Patch(module, "work", broken)
    with pytest.warns(AutotrackWarning, match="ours") as told:
        results = [module.work() for _ in range(2)]
    patch.undo()
    assert results == ["done", "done"]
    assert len(calls) == 2
    assert len(told) == 1
    assert told[0].filename == __file__


def test_failure_after_the_call_leaves_result_and_error_alone(lenient):
    module = types.SimpleNamespace(work=lambda: "done", fails=lambda: 1 / 0)

    def broken(call):
        yield
        raise RuntimeError("ours")

    patch = Patch(module, "work", broken)
    with pytest.warns(AutotrackWarning, match="ours"):
        assert module.work() == "done"
    patch.undo()
    patch = Patch(module, "fails", broken)
    with pytest.raises(ZeroDivisionError):
        module.fails()
    patch.undo()


def test_hook_that_yields_twice_is_reported_and_harmless(lenient):
    module = types.SimpleNamespace(work=lambda: "done")

    def twice(call):
        yield
        yield

    patch = Patch(module, "work", twice)
    with pytest.warns(AutotrackWarning, match="more than once"):
        assert module.work() == "done"
    patch.undo()


def test_telling_does_not_raise_where_warnings_are_errors(lenient, capsys):
    module = types.SimpleNamespace(work=lambda: "done")

    def broken(call):
        raise RuntimeError("ours")
        yield

    patch = Patch(module, "work", broken)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert module.work() == "done"
    patch.undo()
    assert "ours" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_in_a_hook_reaches_the_user(lenient, kind):
    module = types.SimpleNamespace(work=lambda: "done")

    def interrupted(call):
        raise kind
        yield

    patch = Patch(module, "work", interrupted)
    with pytest.raises(kind):
        module.work()
    patch.undo()


def test_strict_mode_raises_our_own_errors():
    module = types.SimpleNamespace(work=lambda: "done")

    def broken(call):
        raise RuntimeError("ours")
        yield

    patch = Patch(module, "work", broken)
    with pytest.raises(RuntimeError, match="ours"):
        module.work()
    patch.undo()


def test_hook_that_returns_before_yield_is_not_interested():
    module = types.SimpleNamespace(work=lambda: "done")

    def uninterested(call):
        return
        yield

    patch = Patch(module, "work", uninterested)
    assert module.work() == "done"
    patch.undo()


@pytest.mark.parametrize("name", ["method", "static", "of_class", "inherited"])
def test_undo_leaves_the_class_as_it_was(name):
    before = dict(vars(Target))
    patch = Patch(Target, name, Log().hook())
    assert vars(Target).get(name) is not before.get(name)
    patch.undo()
    assert dict(vars(Target)) == before


def test_static_and_class_methods_keep_their_kind():
    patches = [Patch(Target, "static", Log().hook()), Patch(Target, "of_class", Log().hook())]
    assert Target.static(3) == Target().static(3) == 3
    assert Target.of_class(3) == Target().of_class(3) == (Target, 3)
    for patch in patches:
        patch.undo()


def test_undo_under_somebody_elses_wrapper_goes_silent_and_keeps_theirs():
    log = Log()
    module = types.SimpleNamespace(work=lambda: "done")
    patch = Patch(module, "work", log.hook())
    ours = module.work

    def theirs():
        return ours()

    module.work = theirs
    patch.undo()
    assert module.work is theirs
    assert module.work() == "done"
    assert log.seen == []


def test_closure_cell_is_watched_for_callers_that_hold_the_outer_function():
    def outer(func):
        def wrapper(x):
            return func(x)

        return wrapper

    log = Log()
    double = outer(lambda x: 2 * x)
    cell = double.__closure__[0]
    before = cell.cell_contents
    patch = Patch(cell, "cell_contents", log.hook())
    assert double(4) == 8
    assert len(log.seen) == 2
    patch.undo()
    assert cell.cell_contents is before


def test_signature_name_and_doc_are_the_originals():
    signature = inspect.signature(Target.method)
    source = inspect.getsource(Target.method)
    patch = Patch(Target, "method", Log().hook())
    assert inspect.signature(Target.method) == signature
    assert inspect.getsource(Target.method) == source
    assert Target.method.__name__ == "method"
    assert Target.method.__qualname__ == "Target.method"
    assert Target.method.__doc__ == "Doc."
    assert inspect.isfunction(Target.method)
    patch.undo()


def test_frame_around_the_call_carries_the_name_of_the_function():
    def caller_name():
        return sys._getframe(1).f_code.co_name

    module = types.SimpleNamespace(caller_name=caller_name)
    patch = Patch(module, "caller_name", Log().hook())
    assert module.caller_name() == "caller_name"
    patch.undo()


def test_wrapper_pickled_by_value_is_the_function_alone():
    namespace = {"__name__": "__main__"}
    exec("class Mine:\n    def fit(self):\n        return 'fitted'\n", namespace)
    Mine = namespace["Mine"]
    Mine.__module__ = "__main__"
    log = Log()
    patch = Patch(Mine, "fit", log.hook())
    data = cloudpickle.dumps(Mine())
    assert b"autotrack" not in data
    assert pickle.loads(data).fit() == "fitted"
    assert log.seen == []
    patch.undo()


def test_what_is_no_generator_function_is_refused_as_a_hook():
    with pytest.raises(TypeError, match="generator"):
        Patch(Target, "method", lambda call: None)


def test_missing_attribute_is_told():
    with pytest.raises(AttributeError):
        Patch(Target, "nothing", Log().hook())


# ---- functions of modules


@pytest.fixture
def module():
    made = types.ModuleType("of_the_user")
    exec(
        textwrap.dedent("""
            def plain(x, *, y=1):
                "Doc."
                return x, y

            def outer(scale):
                def scaled(x):
                    return scale * x
                return scaled

            scaled = outer(3)

            def warns():
                import warnings
                warnings.warn("theirs", stacklevel=2)
        """),
        made.__dict__,
    )
    sys.modules["of_the_user"] = made
    yield made
    del sys.modules["of_the_user"]


@pytest.mark.parametrize(("name", "given", "result"), [("plain", 2, (2, 1)), ("scaled", 2, 6)])
def test_function_that_was_imported_before_is_watched_and_stays_the_same_object(module, name, given, result):
    imported = getattr(module, name)
    before = {**vars(module)}, imported.__code__, {**vars(imported)}
    log = Log()
    patch = Patch(module, name, log.hook())
    assert imported(given) == result
    assert getattr(module, name) is imported
    assert log.seen == [("before", (), {}), ("after", result, None)]
    patch.undo()
    assert ({**vars(module)}, imported.__code__, {**vars(imported)}) == before
    assert imported(given) == result
    assert len(log.seen) == 2


def test_watched_function_of_a_module_keeps_signature_source_and_pickle(module):
    patch = Patch(module, "plain", Log().hook())
    assert str(inspect.signature(module.plain)) == "(x, *, y=1)"
    assert (module.plain.__name__, module.plain.__doc__) == ("plain", "Doc.")
    assert pickle.loads(pickle.dumps(module.plain)) is module.plain
    patch.undo()


def test_foreign_wrapper_that_was_put_over_a_watched_function_survives(module):
    log = Log()
    patch = Patch(module, "plain", log.hook())
    watched = module.plain
    module.plain = lambda x: ("theirs", watched(x))
    patch.undo()
    assert module.plain(1) == ("theirs", (1, 1))
    assert log.seen == []


def test_warning_of_a_watched_function_names_the_line_that_called_it(module):
    patch = Patch(module, "warns", Log().hook())
    with pytest.warns(UserWarning, match="theirs") as caught:
        module.warns()
    patch.undo()
    assert caught[0].filename == __file__


def test_calls_in_other_threads_go_on_while_watching_begins_and_ends(module):
    stop, failures, calls = threading.Event(), [], []

    def call():
        while not stop.is_set():
            try:
                calls.append(module.plain(1))
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        Patch(module, "plain", Log().hook()).undo()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(calls) == {(1, 1)}
