"""A model that looks at its input before it predicts: `CheckedModel(model, signature)`.

    checked = CheckedModel(model, manifest.signature)
    checked.predict(frame)          # SignatureError names every column that is missing, unexpected or of another kind
    checked.native                  # the model itself; every other attribute is its own

A frame with the recorded columns in another order is handed on in the recorded order. Nothing is copied or changed. A
torch module has `predict` here as well: what it says in eval mode and without gradients, as an array.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal

from autotrack.errors import SignatureError
from autotrack.guard import tell_once
from autotrack.model.calling import predictions
from autotrack.model.conform import Problem, are_numbers, conform, kind_of, message_of
from autotrack.model.signature import describe

__all__ = ["CheckedModel"]

_CHECKED = frozenset({"predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "forward"})
_KINDS_WITH_ROWS = ("ndarray", "dataframe", "series", "sparse")


class CheckedModel:
    """A model whose `predict`, `predict_proba`, `decision_function`, `transform` and call check their first argument.

    Attributes:
        native: The model itself. `isinstance` and functions of its library want this one.
    """

    def __init__(
        self, native: Any, signature: Mapping[str, Any] | None, mode: Literal["error", "warn"] = "error"
    ) -> None:
        """Wrap a model.

        Args:
            signature: `{"inputs": …, "outputs": …}`, each as `describe` says it, or None where nothing is known.
            mode: error: data that does not fit raises SignatureError, and so does an answer that is no answer of this
                model's. warn: the same data goes to the model, and each difference is told once.
        """
        self.native = native
        self._signature = signature or {}
        self._mode = mode

    def __getattr__(self, name: str) -> Any:
        if name == "native":  # a copy or an unpickled one that has nothing yet
            raise AttributeError(name)
        if name == "predict" and not hasattr(self.native, name):
            return self._checking(name, functools.partial(predictions, self.native))
        value = getattr(self.native, name)
        if not callable(value) or getattr(value, "__self__", None) is not self.native:
            return value
        return self._checking(name, value) if name in _CHECKED else self._chaining(value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the model, as a torch module is."""
        return self._checking("__call__", self.native)(*args, **kwargs)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self.native)})

    def __repr__(self) -> str:
        return f"CheckedModel({self.native!r})"

    def _checking(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method, with its first argument checked. Given by its name, it is none of ours to know."""

        @functools.wraps(method, assigned=("__doc__", "__name__"), updated=())
        def call(*args: Any, **kwargs: Any) -> Any:
            if not args and "X" in kwargs:
                kwargs["X"] = self._input(kwargs["X"])
            elif args:
                args = (self._input(args[0]), *args[1:])
            answer = method(*args, **kwargs)
            if name == "predict" and self._mode == "error":
                self._check_output(answer, args[0] if args else kwargs.get("X"))
            return answer

        return call

    def _chaining(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method; where it gives back the model, as `module.eval()` does, it gives back this one."""

        @functools.wraps(method, assigned=("__doc__", "__name__"), updated=())
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            return self if answer is self.native else answer

        return call

    def _input(self, data: Any) -> Any:
        data, problems = conform(data, self._signature.get("inputs"))
        if problems:
            self._tell(message_of(problems, "The data"), problems)
        return data

    def _tell(self, message: str, problems: list[Problem]) -> None:
        if self._mode == "warn":
            tell_once(f"model.signature:{id(self)}:{message}", message)
            return
        raise SignatureError(
            f"{message}\nExpected data as the model was fitted on. Mend the data, or load the model without validate.",
            problems=problems,
        )

    def _check_output(self, answer: Any, data: Any) -> None:
        """A row for each row, as many columns as in training, texts where texts were: all told by shape and dtype."""
        expected, found = self._signature.get("outputs") or {}, describe(answer)
        if found["kind"] not in _KINDS_WITH_ROWS:
            return
        now = found["shape"]
        given = [len(data)] if isinstance(data, list | tuple) else getattr(data, "shape", None)
        problems = []
        if given and now[:1] != [given[0]]:
            problems.append(Problem(None, f"{given[0]} rows, one for each given", f"{now[0] if now else 'no'} rows"))
        before = expected.get("shape") or []
        if len(before) == len(now) == 2 and before[1] not in (None, now[1]):
            problems.append(Problem(None, f"{before[1]} columns", str(now[1])))
        kinds = [kind_of(each["dtype"]) for each in (expected, found) if "dtype" in each]
        if len(kinds) == 2 and {*map(are_numbers, kinds)} == {True, False} and "texts" in kinds:
            problems.append(Problem(None, str(kinds[0]), str(kinds[1])))
        if problems:
            raise SignatureError(
                f"{message_of(problems, 'What the model predicted')}\nExpected what it was fitted to predict. "
                "See what it is with its attribute `native`.",
                problems=problems,
            )
