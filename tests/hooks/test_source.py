"""What the source says of a call: what it is called on, what is passed, and where its value goes."""

import ast
import builtins
import sys
import textwrap
import types

import pytest

from autotrack.hooks import argument_names, destination, names_around, receiver, targets


class Probe:
    """Stands for everything in a script; tells of the frames that call `item`, `backward` or `float` of it."""

    def __init__(self, tell):
        self._tell = tell

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Probe(self._tell)

    def item(self, *args, **kwargs):
        self._tell(sys._getframe(1))
        return self

    backward = item

    def __float__(self):
        self._tell(sys._getframe(1))
        return 0.0

    def __add__(self, other):
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __iadd__ = __add__

    def __call__(self, *args, **kwargs):
        return self

    def __getitem__(self, key):
        return self

    def __setitem__(self, key, value):
        pass

    def __neg__(self):
        return self

    def __round__(self, digits=0):
        return self

    def __format__(self, spec):
        return ""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter((self, self))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Function(Probe):
    """The same for a function: tells of the frames that call it."""

    def __call__(self, *args, **kwargs):
        self._tell(sys._getframe(1))
        return Probe(self._tell)


def ask(question, folder, source, name="script.py", kept=None):
    """The answers to a question at each call that a script makes; `kept` is what stands in its file instead."""
    path = folder / name
    source = textwrap.dedent(source)
    path.write_text(source if kept is None else kept)
    answers = []

    def tell(frame):
        answers.append(question(frame))

    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    space = {name: Probe(tell) for name in names if not hasattr(builtins, name)}
    space["evaluate"] = space["criterion"] = Function(tell)
    space["torch"] = types.ModuleType("torch")
    space["torch"].__getattr__ = lambda name: Probe(tell)
    space["print"] = lambda *args: None
    exec(compile(source, str(path), "exec"), space)
    return answers


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("loss.backward()", "loss"),
        ("errD_real.backward()", "errD_real"),
        ("errD_real.backward(retain_graph=True)", "errD_real"),
        ("loss.backward(gradient)", "loss"),
        ("scaler.scale(loss).backward()", "loss"),
        ("scaler.scale(loss / accum).backward()", "loss"),
        ("(loss / accum).backward()", "loss"),
        ("(loss / args.accum).backward()", "loss"),
        ("(args.weight * loss).backward()", "loss"),
        ("(0.5 * loss + 0).backward()", "loss"),
        ("(-reward).backward()", "reward"),
        ("(loss_a + loss_b).backward()", ""),
        ("sum(losses).backward()", "losses"),
        ("(sum(losses) / len(losses)).backward()", "losses"),
        ("sum(losses.values()).backward()", "losses"),
        ("sum(each for each in losses).backward()", "losses"),
        ("loss.mean().backward()", "loss"),
        ("loss.sum().div(2).backward()", ""),
        ("torch.stack(losses).mean().backward()", "losses"),
        ("net(x).backward()", ""),
        ("net.loss(x).backward()", ""),
        ("self.loss.backward()", "loss"),
        ("self.out.loss.backward()", "loss"),
        ("losses['total'].backward()", "total"),
        ("losses[0].backward()", "losses"),
        ("losses[i].backward()", "losses"),
        ("torch.autograd.backward(loss)", "loss"),
        ("torch.autograd.backward([loss_a, loss_b])", "loss_a"),
        ("torch.autograd.backward(tensors=loss)", "loss"),
        ("accelerator.backward(loss)", "loss"),
        ("self.fabric.backward(loss / 2)", "loss"),
        ("(loss := net(x)).backward()", "loss"),
        ("float(loss.data)", "loss"),
        ("loss.detach().cpu().item()", "loss"),
        ("self.item()", ""),
    ],
)
def test_a_loss_is_called_what_the_user_calls_it(tmp_path, source, name):
    assert ask(receiver, tmp_path, source) == [name]


@pytest.mark.parametrize(
    ("source", "name", "is_added"),
    [
        ("acc = x.item()", "acc", False),
        ("acc: float = x.item()", "acc", False),
        ("self.acc = x.item()", "acc", False),
        ("d['acc'] = x.item()", "acc", False),
        ("d[name] = x.item()", "d", False),
        ("accs.append(x.item())", "accs", False),
        ("self.accs.append(x.sum().item())", "accs", False),
        ("accs += [x.item()]", "accs", False),
        ("f({'acc': x.item()})", "acc", False),
        ("f(acc=x.item())", "acc", False),
        ("bar.set_postfix(acc=round(x.item(), 3))", "acc", False),
        ("writer.add_scalar('Loss/train', x.item(), 3)", "Loss/train", False),
        ("meter.update(x.item(), 4)", "meter", False),
        ("running += x.item()", "running", True),
        ("running += x.item() * n", "running", True),
        ("self.running += float(x)", "running", True),
        ("running = running + x.item() * n", "running", True),
        ("acc = x.item() / n", "acc", False),
        ("a, b = x.item(), 3", "a", False),
        ("a, b = 3, x.item()", "b", False),
        ("accs = [x.item() for x in xs][:1] if 1 else 0", "accs", False),
        ("(acc := x.item())", "acc", False),
        ("print(f'{acc.item():.3f}')", "acc", False),
        ("print('loss', loss.item())", "loss", False),
        ("print('%f' % 1, loss.sum().item())", "loss", False),
        ("y = exp(loss.item())", "loss", False),
        ("loss = criterion(x, y)", "loss", False),
        ("criterion(x, y)", "", False),
        ("total += criterion(x, y).item()", "total", True),
    ],
)
def test_a_value_is_called_what_it_goes_to(tmp_path, source, name, is_added):
    answers = ask(destination, tmp_path, source)
    assert set(answers) == {(name, is_added)}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("test_loss, test_acc = evaluate(model, test_loader)", ("test_loss", "test_acc")),
        ("(loss, (acc, f1)), *rest = evaluate()", ("loss", "acc", "f1", "rest")),
        ("val_acc, test_acc = 0, evaluate()", ("test_acc",)),
        ("train_acc, val_acc = (evaluate() for mask in masks)", ("train_acc", "val_acc")),
        ("history['val_loss'] = evaluate()", ("val_loss",)),
        ("self.best = evaluate()", ("best",)),
        ("scores.append(evaluate())", ("scores",)),
        ("evaluate()", ()),
    ],
)
def test_a_result_goes_to_the_names_it_is_assigned_to(tmp_path, source, names):
    assert set(ask(targets, tmp_path, source)) == {names}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("evaluate(model, test_loader)", ("model", "test_loader")),
        ("evaluate(self.model, loader=self.val_loader)", ("model", "val_loader")),
        ("evaluate(data.x)[data.test_mask]", ("data", "x", "data", "test_mask")),
        ("criterion(out[data.test_mask], y[mask])", ("out", "data", "test_mask", "y", "mask")),
        ("criterion(net(batch).squeeze(), y)", ("batch", "y")),
        ("evaluate(loaders['test'], 3)", ("loaders", "test")),
        ("evaluate('val')", ("val",)),
        ("evaluate(make_test_loader(), self.val_dataloader())", ("make_test_loader", "val_dataloader")),
        ("evaluate()", ()),
    ],
)
def test_arguments_are_named(tmp_path, source, names):
    assert ask(argument_names, tmp_path, source) == [names]


def test_names_around_are_those_of_the_innermost_block(tmp_path):
    source = """
        before = outside
        for x in loader:
            with frozen():
                out = evaluate(x)
            after = weights
        with frozen():
            loss = evaluate(self.test_set)
    """
    inner, same, outer = ask(names_around, tmp_path, source)
    assert same == inner
    assert inner == {"frozen", "evaluate", "x"}
    assert outer == {"frozen", "evaluate", "self", "test_set"}


def test_calls_over_several_lines_and_in_any_alphabet_are_found(tmp_path):
    source = """
        größe = (
            verlust
            .mean()
            .item()
        )
        print("é", "ü", änderung.item())
        running += (
            loss
            .item()
            * n
        )
    """
    assert ask(destination, tmp_path, source) == [("größe", False), ("änderung", False), ("running", True)]


def test_two_calls_in_one_line_are_kept_apart(tmp_path):
    assert ask(receiver, tmp_path, "a.item(); b.item(), c.item()\n") == ["a", "b", "c"]
    assert ask(destination, tmp_path, "x = [a.item(), b.item()]\n") == [("x", False), ("x", False)]


def test_a_call_in_a_function_a_lambda_or_a_class_is_found(tmp_path):
    source = """
        def step(loss):
            loss.backward()

        step(loss)
        (lambda err: err.backward())(loss)

        class Net:
            total = loss.item()
    """
    assert ask(destination, tmp_path, source) == [("loss", False), ("err", False), ("total", False)]


@pytest.mark.parametrize("question", [receiver, destination, targets, argument_names, names_around])
@pytest.mark.parametrize("kept", ["", "# another text altogether\n" * 5, "%matplotlib inline\nloss.backward()\n", "\0"])
def test_without_the_source_there_is_no_answer(tmp_path, question, kept):
    empty = {receiver: "", destination: ("", False), targets: (), argument_names: (), names_around: frozenset()}
    assert ask(question, tmp_path, "\n\nx = [loss.backward()]\n", kept=kept) == [empty[question]]


def test_an_expression_that_is_too_deep_has_no_name(tmp_path):
    assert ask(receiver, tmp_path, f"({' + '.join(['loss'] * 980)}).item()") == [""]


def test_a_cell_with_await_at_its_top_is_read(tmp_path):
    kept = "acc = x.item()\nawait f()\n"
    assert ask(destination, tmp_path, "acc = x.item()\n", kept=kept) == [("acc", False)]


def test_source_that_changes_is_read_anew(tmp_path):
    assert ask(receiver, tmp_path, "first.item()\n") == ["first"]
    assert ask(receiver, tmp_path, "x = 1\nanother_name.item()\n") == ["another_name"]
