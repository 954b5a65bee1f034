"""Where a call stands in loops, and which epoch of a training it is in: in scripts of every shape that people write."""

import gc
import itertools
import linecache
import sys
import textwrap
import warnings
import weakref

import pytest

from autotrack.hooks import EpochReader, creation, enclosing, local_values, local_variables


class Training:
    """What a script's optimizer would tell: `made()` when it is made, `step()` when it steps."""

    def __init__(self):
        self.created = None
        self.reader = None
        self.epochs = []

    def made(self):
        self.created = creation(sys._getframe(1))
        self.reader = None
        self.epochs.append([])
        return self.step

    def step(self):
        frame = sys._getframe(1)
        if not self.epochs:
            self.epochs.append([])
        if self.reader is None:
            self.reader = EpochReader.find(frame, self.created)
        self.epochs[-1].append(None if self.reader is None else self.reader.read(frame))


def run(folder, source, **names):
    path = folder / "train.py"
    path.write_text(textwrap.dedent(source))
    training = Training()
    space = {
        "__name__": "__main__",
        "made": training.made,
        "step": training.step,
        "tqdm": tqdm,
        "trange": trange,
        "Bar": Bar,
    }
    exec(compile(path.read_text(), str(path), "exec"), {**space, "loader": [10, 20], **names})
    return training.epochs


def tqdm(iterable, desc=""):
    return iter(iterable)


class Bar(list):
    """A progress bar that is opened and closed."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def trange(*bounds):
    return iter(range(*bounds))


def epochs_of(folder, source, **names):
    """The epochs of the only training."""
    (epochs,) = run(folder, source, **names)
    return epochs


@pytest.mark.parametrize(
    "head",
    [
        "for epoch in range(3):",
        "for epoch in range(1, 4):",
        "for epoch in range(1, n + 1):",
        "for epoch in tqdm(range(3), desc='epochs'):",
        "for epoch in trange(3):",
        "for epoch in trange(1, n + 1):",
        "for current_epoch in list(range(3)):",
        "for curEpoch in range(3):",
        "for ep in range(n):",
        "for e in range(n):",
        "for EPOCH in range(n):",
        "for epoch, lr in enumerate([0.1, 0.2, 0.3]):",
        "for epoch, lr in enumerate([0.1, 0.2, 0.3], start=1):",
        "for epoch, _ in zip(range(3), 'abc'):",
        "for epoch in ['first', 'second', 'third']:",
        "for i in range(3):",
        "for _ in range(3):",
        "bar = tqdm(range(1, n + 1))\nfor epoch in bar:",
        "bar = None\nbar = trange(n)\nfor epoch in bar:",
        "with Bar(range(1, n + 1)) as bar:\n  for epoch in bar:",
    ],
)
def test_epochs_are_those_of_the_loop_around_the_batches(tmp_path, head):
    indent = "  " if "\n  for" in head else ""
    body = textwrap.indent("    for batch in loader:\n        step()\n", indent)
    source = f"n = 3\nstep = made()\n{head}\n{body}"
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1, 2, 2]


def test_a_helper_trains_one_epoch(tmp_path):
    source = """
        def train(model, epoch):
            for index, (x, y) in enumerate(zip(loader, loader)):
                step()

        def main():
            global step
            step = made()
            for epoch in range(1, 3):
                train(None, epoch)
                train_loss = epoch

        main()
    """
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1]


def test_full_batch_training_has_an_epoch_per_step(tmp_path):
    assert epochs_of(tmp_path, "step = made()\nfor epoch in range(4):\n    step()\n") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "inner",
    [
        "for i in range(0, 4, 2):",
        "for i in range(n_batches):",
        "for i in range(len(loader)):",
        "for index in split(4, 2):",
    ],
)
def test_batches_may_be_slices(tmp_path, inner):
    source = f"""
        def split(n, size):
            return [range(i, i + size) for i in range(0, n, size)]

        def fit(n_batches=2):
            step = made()
            for iteration in range(2):
                {inner}
                    step()

        fit()
    """
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1]


def test_while_loops_count_epochs(tmp_path):
    source = """
        def fit(n_epochs):
            step = made()
            epoch = 0
            while epoch < n_epochs:
                for batch in loader:
                    step()
                epoch += 1

        fit(3)
    """
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("head", "first"), [("epoch = 1\nwhile epoch < 3:", 0), ("while epoch <= n:", 6), ("while epoch < n + 1:", 6)]
)
def test_a_while_loop_may_count_from_one(tmp_path, head, first):
    source = f"epoch, n = 7, 8\nstep = made()\n{head}\n    step(), step()\n    epoch += 1\n"
    assert epochs_of(tmp_path, source) == [first, first, first + 1, first + 1]


def test_a_while_loop_that_counts_first_begins_at_the_first_epoch(tmp_path):
    source = """
        step = made()
        epoch = 0
        while True:
            epoch = epoch + 1
            step()
            step()
            if epoch == 2:
                break
    """
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1]


def test_an_epoch_that_ends_with_the_batches_of_an_iterator(tmp_path):
    source = """
        step = made()
        batches, epoch, done = iter(loader), 0, 0
        while done < 5:
            try:
                batch = next(batches)
            except StopIteration:
                epoch += 1
                batches = iter(loader)
                batch = next(batches)
            step()
            done += 1
    """
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    "source",
    [
        "for iteration in range(4):\n    for micro in range(2):\n        pass\n    step()\n",
        "iter_num = 0\nwhile True:\n    step()\n    iter_num += 1\n    if iter_num == 4:\n        break\n",
        "for batch in [*loader, *loader]:\n    step()\n",
        "for i in range(2):\n    for critic in range(2):\n        step()\n",
        "done = 0\nwhile done < 4:\n    for batch in loader:\n        step()\n        done += 1\n",
        "for _ in loader:\n    step(), step()\n",
        "for i in range(2):\n    for optimizer in ('generator', 'critic'):\n        step()\n",
        "step(), step(), step(), step()\n",
    ],
)
def test_plain_iterations_have_no_epoch(tmp_path, source):
    assert epochs_of(tmp_path, f"step = made()\n{source}") == [None] * 4


def test_the_outer_iteration_of_reinforcement_learning_is_the_epoch(tmp_path):
    source = """
        def update():
            for epoch in range(4):
                for start in range(0, 4, 2):
                    step()

        step = made()
        for iteration in range(1, 3):
            update()
    """
    assert epochs_of(tmp_path, source) == [0] * 8 + [1] * 8


def test_each_fold_with_an_optimizer_of_its_own_begins_at_zero(tmp_path):
    source = """
        def train():
            step = made()
            for epoch in range(2):
                for batch in loader:
                    step()

        for fold in range(2):
            train()
        for i in range(2):
            step = made()
            for epoch in range(2):
                step()
        for lr in [0.1, 0.2]:
            step = made()
            for batch in loader:
                step()
    """
    assert run(tmp_path, source) == [[0, 0, 1, 1]] * 2 + [[0, 1]] * 2 + [[None, None]] * 2


def test_a_loop_that_makes_the_optimizer_once_is_in_the_training(tmp_path):
    source = """
        step = None
        for epoch in range(3):
            if epoch == 1:
                step = made()
            if epoch == 2:
                step()
    """
    assert epochs_of(tmp_path, source) == [2]


def test_two_phases_of_one_optimizer_go_on_counting(tmp_path):
    source = """
        def train(n):
            for epoch in range(n):
                for batch in loader:
                    step()

        step = made()
        train(1)
        train(2)
        for epoch in range(2):
            step()
    """
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1, 2, 2, 3, 4]


def test_stages_and_layers_around_the_epochs_go_on_counting(tmp_path):
    source = """
        step = made()
        for layer in range(3):
            for epoch in range(2):
                step()
        for stage in range(2):
            for epoch in range(1):
                step()
    """
    assert epochs_of(tmp_path, source) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_splits_inside_an_epoch_are_no_epochs(tmp_path):
    source = """
        step = made()
        for i in range(2):
            for phase in ["train", "val"]:
                for batch in loader:
                    if phase == "train":
                        step()
    """
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("head", "first"),
    [("range(5, 8)", 5), ("range(start, n + 1)", 4), ("range(start, start + 3)", 5), ("tqdm(range(start, n + 1))", 4)],
)
def test_a_resumed_training_goes_on_where_it_was(tmp_path, head, first):
    source = f"start, n = 5, 7\nstep = made()\nfor epoch in {head}:\n    step(), step()\n"
    assert epochs_of(tmp_path, source) == [first, first, first + 1, first + 1, first + 2, first + 2]


@pytest.mark.parametrize(
    "loop",
    [
        "while self.epoch < 3:\n            self.train()\n            self.epoch += 1",
        "for self.epoch in range(3):\n            self.train()",
        "while self.epoch < 3:\n            self.train()\n            self.end()",
    ],
)
def test_a_trainer_keeps_its_epoch_in_itself(tmp_path, loop):
    source = f"""
class Trainer:
    def __init__(self):
        self.epoch = 0
        self.step = made()
    def fit(self):
        {loop}
    def end(self):
        self.epoch += 1
    def train(self):
        for batch in loader:
            self.step()
Trainer().fit()
"""
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1, 2, 2]


def test_other_blocks_and_nested_functions_may_stand_between(tmp_path):
    source = """
        import contextlib

        def main():
            step = made()

            def closure():
                with contextlib.nullcontext():
                    step()
                return 1

            best = 0
            try:
                for epoch in range(10):
                    with contextlib.nullcontext():
                        if epoch >= 0:
                            for batch in loader:
                                result = (lambda: closure())()
                    if epoch == 1:
                        break
            finally:
                best = epoch

        main()
    """
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1]


def test_generators_and_recursion_are_followed(tmp_path):
    source = """
        def losses():
            step = made()
            for epoch in range(2):
                for batch in loader:
                    step()
                    yield batch

        steps = losses()
        next(steps)
        next(steps)
        for each in steps:
            pass

        def deeper(level):
            if level:
                return deeper(level - 1)
            step = made()
            for epoch in range(2):
                step()

        deeper(3)
    """
    assert run(tmp_path, source) == [[0, 0, 1, 1], [0, 1]]


def test_a_step_after_the_loop_belongs_to_its_last_epoch(tmp_path):
    assert epochs_of(tmp_path, "step = made()\nfor epoch in range(2):\n    step()\nstep()\nstep()\n") == [0, 1, 1, 1]


def test_steps_from_different_depths_are_of_the_same_loop(tmp_path):
    source = """
        def inner():
            step()

        step = made()
        for epoch in range(2):
            step()
            inner()
            step()
    """
    assert epochs_of(tmp_path, source) == [0, 0, 0, 1, 1, 1]


def test_the_cells_of_a_notebook_have_source(monkeypatch):
    training = Training()
    space = {"__name__": "__main__", "made": training.made, "step": training.step, "loader": [1, 2]}
    cells = ["step = made()\n", "for epoch in range(2):\n    for batch in loader:\n        step()\n"]
    for number, cell in enumerate([*cells, cells[1]]):
        name = f"<ipython-input-{number}-f00>"
        monkeypatch.setitem(linecache.cache, name, (len(cell), None, cell.splitlines(True), name))
        exec(compile(cell, name, "exec"), space)
    assert training.epochs == [[0, 0, 1, 1, 2, 2, 3, 3]]


def test_without_source_no_epoch_is_known():
    training = Training()
    source = "made()\nfor epoch in range(2):\n    step()\n"
    exec(compile(source, "<string>", "exec"), {"made": training.made, "step": training.step})
    assert training.epochs == [[None, None]]


def test_an_optimizer_made_before_anybody_looked_is_in_all_loops(tmp_path):
    source = "for epoch in range(2):\n    for batch in loader:\n        step()\n"
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1]


class Tensor:
    """Something whose end can be seen."""


def test_nothing_is_kept_alive_by_a_read():
    training = Training()
    step = training.made()
    alive = []

    def train():
        for epoch in range(2):  # noqa: B007
            for _ in (1, 2):
                loss = Tensor()
                batch = Tensor()
                seen = weakref.ref(loss), weakref.ref(batch)
                step()
                del loss
                batch = None
                alive.append([each() is not None for each in seen])

    gc.disable()
    try:
        train()
    finally:
        gc.enable()
    assert alive == [[False, False]] * 4
    assert training.epochs == [[0, 0, 1, 1]]


def test_what_is_iterated_over_is_not_kept_alive():
    training = Training()
    step = training.made()
    gone = []

    def train():
        for epoch in (Tensor(), Tensor()):
            for _ in (1, 2):
                step()
            gone.append(weakref.ref(epoch))

    train()
    assert [each() for each in gone] == [None, None]
    assert training.epochs == [[0, 0, 1, 1]]


def test_locals_that_a_function_holds_do_not_grow():
    training = Training()
    step = training.made()

    def train(lr):
        settings = locals()
        for epoch in range(2):  # noqa: B007
            step()
        return sorted(settings)

    assert train(0.1) == ["lr", "step"]


def test_a_function_under_a_debugger_keeps_its_variables():
    def debugged(first):
        second = first + 1
        return first + second

    def look(frame, event, arg):
        if frame.f_code is debugged.__code__ and event == "line":
            assert local_values(frame, ("first",)) == (1,)
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        result = debugged(1)
    finally:
        sys.settrace(before)
    assert result == 3


def test_values_are_read_by_their_path():
    class Owner:
        @property
        def computed(self):
            raise AssertionError("code of the user's has run")

    owner = Owner()
    owner.epoch = 3
    names = ("owner.epoch", "owner.computed", "nothing", "owner.nothing.more")
    assert local_values(sys._getframe(), names) == (3, None, None, None)
    assert dict(local_variables(sys._getframe()))["owner"] is owner


def test_loops_are_described(tmp_path):
    source = """
        for split, loader in {"val": 1}.items():
            for i, (x, self.y) in enumerate(tqdm(data.test_loader), 1):
                note()
            else:
                note()
    """
    seen = []
    path = tmp_path / "loops.py"
    path.write_text(textwrap.dedent(source))

    class Data:
        test_loader = ((1, 2),)

    space = {"note": lambda: seen.append(enclosing(sys._getframe(1))), "data": Data, "self": Data(), "tqdm": tqdm}
    exec(compile(path.read_text(), str(path), "exec"), space)
    (outer, inner), (only,) = seen
    assert (outer, hash(outer)) == (only, hash(only))
    assert outer != inner
    assert outer.variables == ("split", "loader")
    assert "val" in outer.names
    assert (inner.kind, inner.line, inner.counts, inner.starts_at_one) == ("for", 4, False, True)
    assert inner.variables == ("i", "x", "self.y")
    assert inner.names[:2] == ("data", "test_loader")
    assert inner.text == "enumerate(tqdm(data.test_loader), 1)"


def test_reading_source_tells_the_user_nothing(tmp_path):
    source = "pattern = '\\d'\nstep = made()\nfor epoch in range(2):\n    step()\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(source, str(tmp_path / "train.py"), "exec")
    (tmp_path / "train.py").write_text(source)
    training = Training()
    before = list(warnings.filters)
    exec(code, {"made": training.made, "step": training.step})
    assert training.epochs == [[0, 1]]
    assert warnings.filters == before


@pytest.mark.parametrize("order", list(itertools.permutations([0, 3, 1])))
def test_numbers_never_go_back(tmp_path, order):
    source = f"step = made()\nfor epoch in {list(order)}:\n    step()\n"
    assert epochs_of(tmp_path, source) == [order[0], order[0] + 1, order[0] + 2]


def test_a_file_that_is_edited_and_run_anew_is_read_anew(tmp_path):
    source = "step = made()\nfor i in range(2):\n    for batch in loader:\n        step()\n"
    assert epochs_of(tmp_path, "step = made()\nstep()\n") == [None]
    assert epochs_of(tmp_path, source) == [0, 0, 1, 1]
