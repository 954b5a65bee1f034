"""`autotrack run SCRIPT` is `python SCRIPT`: what the script sees, prints and ends with is the same."""

import json
import os
import signal
import subprocess
import textwrap
import time
from pathlib import Path

import pytest

from scripts import PLAIN, TRACKED

SEEN = """
    import json, os, sys, threading, warnings
    if __name__ == "__main__":
        print(json.dumps({
            "argv": sys.argv, "name": __name__, "file": globals().get("__file__"), "globals": sorted(globals()),
            "spec": getattr(globals().get("__spec__"), "name", None), "path": sys.path, "flags": str(sys.flags),
            "cwd": os.getcwd(),
            "environment": {key: value for key, value in sorted(os.environ.items()) if key != "_"},
            "threads": [thread.name for thread in threading.enumerate()], "warnings": len(warnings.filters),
            "hooks": [sys.excepthook.__name__, sys.displayhook.__name__, threading.excepthook.__name__],
            "isatty": sys.stdin.isatty(),
        }))
"""


def run(
    command: list[str], *args: str, stdin: str = "", env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *args],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )


def same(
    *args: str, stdin: str = "", env: dict[str, str] | None = None, cwd: Path | None = None
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the script, which are the same with and without tracking."""
    plain = run(PLAIN, *args, stdin=stdin, env=env, cwd=cwd)
    tracked = run(TRACKED, *args, stdin=stdin, env=env, cwd=cwd)
    assert (tracked.returncode, tracked.stdout, tracked.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    return tracked.returncode, tracked.stdout, tracked.stderr


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))
    return file


def test_script_sees_what_it_would_see(tmp_path: Path) -> None:
    write("folder/train.py", SEEN)
    _, out, _ = same("folder/train.py", "--lr", "0.1", "", "a b", "--help", "--", "-m", "--experiment")
    seen = json.loads(out)
    assert seen["argv"] == ["folder/train.py", "--lr", "0.1", "", "a b", "--help", "--", "-m", "--experiment"]
    assert seen["path"][0] == str(tmp_path / "folder")
    assert seen["name"] == "__main__"
    assert seen["threads"] == ["MainThread"]


@pytest.mark.parametrize("value", ["extra", f"extra{os.pathsep}other", f"{os.pathsep}extra"])
def test_script_sees_its_own_pythonpath(value: str) -> None:
    write("extra/found_by_pythonpath.py", "print('imported')")
    write("train.py", f"import found_by_pythonpath\n{textwrap.dedent(SEEN)}")
    _, out, _ = same("train.py", env={"PYTHONPATH": value})
    assert out.startswith("imported")
    assert json.loads(out.splitlines()[1])["environment"]["PYTHONPATH"] == value


def test_script_sees_an_empty_pythonpath_as_empty(tmp_path: Path) -> None:
    write("folder/train.py", "import os, sys; print(repr(os.environ['PYTHONPATH']), *sys.path[:2])")
    _, out, _ = same("folder/train.py", env={"PYTHONPATH": ""})
    assert out.startswith(f"'' {tmp_path / 'folder'} ")


def test_script_without_pythonpath_sees_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    write("train.py", "import os; print('PYTHONPATH' in os.environ)")
    assert same("train.py")[1] == "False\n"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('out of data')", 1),
        ("raise SystemExit", 0),
        ("import os; os._exit(7)", 7),
        ("def inner():\n    raise ValueError('boom')\n\ninner()", 1),
        ("raise RuntimeError('after') from KeyError('before')", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("this is no Python", 1),
        ("import atexit; atexit.register(print, 'last words'); raise SystemExit(5)", 5),
        ("import warnings; warnings.warn('mind this')", 0),
    ],
)
def test_exit_code_and_traceback_are_the_scripts_own(body: str, code: int) -> None:
    write("train.py", f"print('started')\n{body}\n")
    assert same("train.py")[0] == code


def test_input_and_output_go_straight_through() -> None:
    write(
        "train.py",
        """
        import sys
        data = sys.stdin.buffer.read()
        sys.stdout.buffer.write(data[::-1])
        sys.stderr.write(f"{len(data)} bytes, größe")
        """,
    )
    _, out, err = same("train.py", stdin="some\ninput\n" * 1000)
    assert out == "\ntupni\nemos" * 1000
    assert err == "11000 bytes, größe"


@pytest.mark.parametrize("command", [PLAIN, TRACKED])
def test_ctrl_c_reaches_the_script_and_nobody_else(command: list[str]) -> None:
    write(
        "train.py",
        """
        import time
        try:
            print("ready", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            raise
        """,
    )
    process = subprocess.Popen(
        [*command, "train.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to every process of the group
    out, err = process.communicate(timeout=60)
    assert out == "interrupted\n"
    assert err.endswith("KeyboardInterrupt\n")
    assert process.returncode == -signal.SIGINT


def test_script_takes_the_place_of_the_command(tmp_path: Path) -> None:
    write("train.py", "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)")
    process = subprocess.Popen([*TRACKED, "train.py"])
    pid = tmp_path / "pid"
    while not (pid.exists() and pid.read_text()):
        assert process.poll() is None
        time.sleep(0.02)
    assert int(pid.read_text()) == process.pid  # so that SIGTERM, SIGKILL and a debugger reach the script itself
    process.terminate()
    assert process.wait(timeout=60) == -signal.SIGTERM


def test_module_is_run_as_after_python_m(tmp_path: Path) -> None:
    write("package/__init__.py", "")
    write("package/train.py", SEEN)
    _, out, _ = same("-m", "package.train", "-m", "--lr", "0.1")
    seen = json.loads(out)
    assert seen["argv"] == [str(tmp_path / "package" / "train.py"), "-m", "--lr", "0.1"]
    assert seen["path"][0] == str(tmp_path)
    assert same("-m", "package.nothing")[0] == 1
    assert same("-m", "package")[0] == 1


def test_folder_and_zip_with_a_main_are_run(tmp_path: Path) -> None:
    import zipfile

    write("application/__main__.py", "import part, sys; print(part.NAME, sys.argv, sys.path[0])")
    write("application/part.py", "NAME = 'part'")
    with zipfile.ZipFile("application.zip", "w") as archive:
        for name in ("__main__.py", "part.py"):
            archive.write(f"application/{name}", name)
    assert same("application", "x")[1] == f"part ['application', 'x'] {tmp_path / 'application'}\n"
    assert same("application.zip", "x")[1].startswith("part ['application.zip', 'x']")
    (tmp_path / "empty").mkdir()
    assert same("empty")[0] == 1


def test_script_found_by_a_link_has_its_own_folder(tmp_path: Path) -> None:
    write("real/part.py", "NAME = 'part'")
    write("real/train.py", "import part, sys; print(part.NAME, __file__, sys.path[0])")
    os.symlink("real/train.py", "link.py")
    assert same("link.py")[1] == f"part {tmp_path / 'link.py'} {tmp_path / 'real'}\n"


def test_script_whose_name_starts_with_a_dash_is_run() -> None:
    write("-train.py", "import sys; print(sys.argv)")
    tracked = run(TRACKED, "--", "-train.py", "--lr", "1")
    assert (tracked.stdout, tracked.stderr) == (run(PLAIN, "./-train.py", "--lr", "1").stdout, "")


def test_script_in_a_folder_of_any_name_is_run() -> None:
    write("größe \n %s/train 1.py", "import sys; print(ascii(sys.argv))")
    assert same("größe \n %s/train 1.py", "模型")[0] == 0


def test_scripts_own_modules_hide_those_of_the_standard_library() -> None:
    for name in ("secrets", "platform", "getpass", "tempfile", "uuid"):
        write(f"folder/{name}.py", f"NAME = 'own {name}'")
    write("folder/json/__init__.py", "NAME = 'own json'")
    write("folder/train.py", "import getpass, json, platform, secrets, tempfile, uuid; print(json.NAME, secrets.NAME)")
    assert same("folder/train.py")[1] == "own json own secrets\n"
    assert same("-m", "train", cwd=Path("folder"))[1] == "own json own secrets\n"


def test_another_sitecustomize_still_runs() -> None:
    write("site/sitecustomize.py", "import sys; print('customized', __name__, __file__); sys.was_customized = True")
    write("train.py", "import sys, sitecustomize; print(sys.was_customized, sitecustomize.__file__)")
    plain = run(PLAIN, "train.py", env={"PYTHONPATH": "site"})
    tracked = run(TRACKED, "train.py", env={"PYTHONPATH": "site"})
    assert plain.stdout.startswith("customized sitecustomize ")
    # Once for the command, a Python program itself, and once for the script.
    assert tracked.stdout == plain.stdout.splitlines(keepends=True)[0] + plain.stdout
    assert tracked.stderr == plain.stderr == ""


def test_failure_in_another_sitecustomize_is_shown_as_without_us() -> None:
    write("site/sitecustomize.py", "raise ValueError('not ours')")
    write("train.py", "print('trained')")
    plain = run(PLAIN, "train.py", env={"PYTHONPATH": "site"})
    tracked = run(TRACKED, "train.py", env={"PYTHONPATH": "site"})
    assert "ValueError: not ours" in plain.stderr
    assert (tracked.stdout, tracked.stderr) == (plain.stdout, 2 * plain.stderr)


def test_processes_the_script_starts_are_not_tracked() -> None:
    child = "import sys; print('autotrack' in sys.modules, 'sitecustomize' in sys.modules)"
    write("train.py", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)")
    assert same("train.py")[1].startswith("False ")


def test_command_of_a_missing_script_says_so_and_exits_with_2() -> None:
    write("train.py", "")
    write("folder/evaluate.py", "")
    for asked, hint in {
        "trian.py": "Did you mean 'train.py'?",
        "train": "Did you mean 'train.py'?",
        "folder/evalute.py": "Did you mean 'evaluate.py'?",
        "nothing-like-it": "Give the script's path as you would after `python`",
    }.items():
        tracked = run(TRACKED, asked)
        assert tracked.returncode == 2
        assert tracked.stdout == ""
        assert tracked.stderr.startswith(f"Error: There is no script {asked!r} in {os.getcwd()}.\nExpected the path")
        assert hint in tracked.stderr


def test_python_before_the_script_is_told_to_be_left_out() -> None:
    write("train.py", "")
    tracked = run(TRACKED, "python", "train.py", "--lr", "1")
    assert tracked.returncode == 2
    assert tracked.stderr.endswith("Leave the interpreter out: autotrack run train.py --lr 1\n")
