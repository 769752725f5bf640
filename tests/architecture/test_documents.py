"""The checker of documented commands, on documents made to pass and to fail; `make docs-check` runs the real ones."""

import re
from pathlib import Path

import pytest

import check_docs
from check_docs import DocsError, Tally


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project with one script and one make target."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "bench_a.py").write_text("raise SystemExit('not to be started')\n")
    (tmp_path / "Makefile").write_text("hello:\n\t@echo hello\n")
    return tmp_path


def follow(checkout: Path, text: str) -> Tally:
    document = checkout / "guide.md"
    document.write_text(text, "utf-8")
    return check_docs.check(document, root=checkout)


def fenced(*lines: str, language: str = "bash") -> str:
    return "\n".join(["", f"```{language}", *lines, "```", ""])


def test_commands_run_in_order_in_one_folder(checkout: Path) -> None:
    tally = follow(
        checkout,
        "<!-- file: name.txt -->"
        + fenced("ecology", language="text")
        + "Prose between them."
        + fenced("export WORLD=small", "ecology --help > $WORLD", "# a remark")
        + fenced(
            "$ ecology --help | diff - small", "Usage: some output that is no command", language="console"
        )
        + "    ```bash\n    ecology --help \\\n      | grep -q $(cat name.txt)\n    ```\n",
    )
    assert (tally.ran, tally.present, tally.not_run) == (3, 0, [])


def test_an_announced_failure_is_what_must_happen(checkout: Path) -> None:
    assert follow(checkout, fenced("ecology no-such-command  # exit 2: the call was wrong")).ran == 1


def test_a_model_stands_in_for_the_documented_one(checkout: Path) -> None:
    run = "ecology run --agents 2 --duration 5s --policy llm --llm-url http://127.0.0.1:9/v1 --model tiny"
    text = "<!-- needs: model-server -->" + fenced(run, "ecology admin audit runs/latest")
    assert follow(checkout, text).ran == 2


def test_scripts_and_targets_are_there_and_not_started(checkout: Path) -> None:
    tally = follow(checkout, fenced("python3 scripts/bench_a.py --quick", "make hello", "cd somewhere"))
    assert (tally.present, tally.not_run) == (2, ["cd somewhere (sets the stage)"])


def test_what_cannot_run_here_is_counted_with_its_reason(checkout: Path) -> None:
    tally = follow(
        checkout, "<!-- not-run: needs a GPU -->" + fenced("vllm serve tiny", "ecology no-such-command")
    )
    assert tally.not_run == ["vllm serve tiny (needs a GPU)", "ecology no-such-command (needs a GPU)"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (fenced("ecology no-such-command"), r"guide\.md:3: .* exits 2, not 0"),
        (fenced("ecology --help  # exit 1"), r"guide\.md:3: .* exits 0, not 1"),
        (fenced("ecology no-such-command | cat"), r"exits 2, not 0"),
        (fenced("python3 scripts/gone.py"), r"no such script"),
        (fenced("make gone"), r"no target gone"),
        (fenced("pip install something"), r"cannot be checked; mark the block"),
        ("<!-- not-run: far away -->\nProse ends the remark.\n" + fenced("scp a b"), r"cannot be checked"),
        ("<!-- needs: oracle -->" + fenced("ecology --help"), r"guide\.md:2: .*'oracle'"),
        ("<!-- needs: model-server -->" + fenced("ecology --help"), r"says --llm-url and --model"),
        ("```bash\necology --help\n", r"guide\.md:1: this block is never closed"),
    ],
)
def test_a_document_that_is_wrong_is_named(checkout: Path, text: str, complaint: str) -> None:
    with pytest.raises(DocsError, match=complaint):
        follow(checkout, text)


def test_the_project_s_documents_can_be_read() -> None:
    """Every fence closes, and README shows the two commands that the gate takes from it."""
    names = {document.name for document in check_docs.documents()}
    assert {"README.md", "CONTRIBUTING.md"} <= names
    commands = [
        command
        for document in check_docs.documents()
        for block in check_docs.blocks(document.name, document.read_text("utf-8"))
        for _, command in block.commands()
        if document.name == "README.md"
    ]
    for script in ("run", "test"):
        assert [command for command in commands if command.startswith(f"python3 scripts/{script}.py")]


LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize(
    "document", check_docs.documents(), ids=lambda path: str(path.relative_to(check_docs.ROOT))
)
def test_links_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []
