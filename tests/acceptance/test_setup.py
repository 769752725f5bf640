"""Setting up from nothing: real virtual environments and a real pip, over a tiny project that needs no network."""

import ast
import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import environment
from tests.acceptance.tiny_project.backend import write_wheel

ROOT = Path(__file__).resolve().parents[2]

TINY_PROJECT = Path(__file__).with_name("tiny_project")


def publish(wheels: Path, version: int) -> str:
    """Put a wheel of the package `answer` into a folder of wheels; returns its line in a lock file."""
    wheels.mkdir(exist_ok=True)
    program = f"import sys\ndef main():\n    print('answer', {version}, *sys.argv[1:])\n"
    wheel = write_wheel(wheels, "answer", str(version), {"answer.py": program})
    return f"answer=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with our scripts, one locked package and a project whose command is that package's."""
    shutil.copytree(TINY_PROJECT, tmp_path, dirs_exist_ok=True)
    (tmp_path / "scripts").mkdir()
    for name in ("environment.py", "run.py"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    (tmp_path / "requirements.lock").write_text(publish(tmp_path / "wheels", 1))
    return tmp_path


def start(checkout: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    settings = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(checkout / "wheels"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return subprocess.Popen(
        [sys.executable, str(checkout / "scripts" / "run.py"), *arguments],
        env={**clean, **settings, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(checkout: Path, *arguments: str, **variables: str) -> tuple[int, str, list[str]]:
    """Exit code, stdout, and the lines of stderr."""
    process = start(checkout, *arguments, **variables)
    stdout, stderr = process.communicate()
    return process.returncode, stdout, stderr.splitlines()


def test_sets_up_once_then_becomes_the_command(checkout: Path) -> None:
    code, stdout, talk = run(checkout, "--agents", "5")
    assert (code, stdout) == (0, "answer 1 run --agents 5\n")
    assert [line.split()[0] for line in talk] == ["Setting", "Ready"]
    assert run(checkout, "again") == (0, "answer 1 run again\n", [])


def test_follows_the_lock(checkout: Path) -> None:
    run(checkout)
    (checkout / "requirements.lock").write_text(publish(checkout / "wheels", 2))
    code, stdout, talk = run(checkout)
    assert (code, stdout) == (0, "answer 2 run\n")
    assert talk[0] == "Bringing .venv up to date with requirements.lock ..."


@contextmanager
def midway(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """A set-up that has begun and does not end, however late its interruption comes: its index never answers."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        process = start(
            checkout,
            PIP_NO_INDEX="",
            PIP_FIND_LINKS="",
            PIP_DEFAULT_TIMEOUT="600",
            PIP_INDEX_URL=f"http://127.0.0.1:{mute.getsockname()[1]}/",
            NO_PROXY="127.0.0.1",
            no_proxy="127.0.0.1",
        )
        while not (checkout / ".venv" / "pyvenv.cfg").exists():
            assert process.poll() is None
            time.sleep(0.01)
        yield process


def test_an_interrupted_set_up_is_made_again(checkout: Path) -> None:
    with midway(checkout) as process:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    debris = checkout / ".venv" / "half-written"
    debris.touch()
    assert run(checkout)[:2] == (0, "answer 1 run\n")
    assert not debris.exists()


def test_ctrl_c_is_one_line(checkout: Path) -> None:
    with midway(checkout) as process:
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "Set-up interrupted; the same command makes it again."


def test_two_at_once_set_up_once(checkout: Path) -> None:
    both = [start(checkout, name) for name in ("first", "second")]
    ends = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [stdout for stdout, _ in ends] == ["answer 1 run first\n", "answer 1 run second\n"]
    assert sum("Ready after" in stderr for _, stderr in ends) == 1


def test_somebody_else_s_environment_is_kept(checkout: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(checkout / ".venv")], check=True)
    keepsake = checkout / ".venv" / "keepsake"
    keepsake.touch()
    assert run(checkout)[:2] == (0, "answer 1 run\n")
    assert keepsake.exists()


@pytest.mark.parametrize("content", ["", "home = /nowhere\nversion = 3.9.1\n"])
def test_an_unusable_environment_is_named_not_removed(checkout: Path, content: str) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "pyvenv.cfg").write_text(content)
    (checkout / ".venv" / "bin" / "python").touch()
    code, _, talk = run(checkout)
    assert code == 1
    assert talk == ["Set-up failed: .venv has no Python 3.11 or newer; move it away and run again"]
    assert (checkout / ".venv" / "pyvenv.cfg").read_text() == content


def test_a_package_that_was_tampered_with_is_not_installed(checkout: Path) -> None:
    with (checkout / "wheels" / "answer-1-py3-none-any.whl").open("ab") as wheel:
        wheel.write(b"extra")
    code, stdout, talk = run(checkout)
    assert (code, stdout) == (1, "")
    assert talk[-1].startswith("Set-up failed: a downloaded package is not the one that the lock file pins")


def test_no_network_is_one_line_and_nothing_is_lost(checkout: Path) -> None:
    nowhere = {
        "PIP_NO_INDEX": "",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "1",
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
    }
    code, _, talk = run(checkout, **nowhere)
    assert code == 1
    assert talk[1:] == [
        "Set-up failed: the package index cannot be reached; check network and proxy, then run the same command again"
    ]
    assert run(checkout)[:2] == (0, "answer 1 run\n")


def test_an_old_python_is_told_what_to_do() -> None:
    assert environment.unsuitable_python((3, 11)) == ""
    assert environment.unsuitable_python((3, 14)) == ""
    sentence = environment.unsuitable_python((3, 10))
    assert sentence.startswith("Agent Ecology needs Python 3.11 or newer, this is 3.10; ")
    assert "\n" not in sentence


def test_a_python_without_ensurepip_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "apt install python3-venv" in environment.unsuitable_python()


@pytest.mark.parametrize("script", ["environment.py", "run.py", "test.py"])
def test_an_old_python_can_read_the_scripts_at_all(script: str) -> None:
    tree = ast.parse((ROOT / "scripts" / script).read_text("utf-8"), feature_version=(3, 6))
    for node in ast.walk(tree):
        annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
        assert not isinstance(annotation, ast.Subscript | ast.BinOp), f"quote {ast.unparse(annotation)}"
