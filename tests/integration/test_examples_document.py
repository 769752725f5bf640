"""docs/howto/contracts.md: its programs are the tested ones, its actions can be taken, its tables are complete."""

import re
from pathlib import Path

import check_docs
from ecology import examples
from ecology.core.outcome import Refused
from ecology.kernel import refusals
from ecology.kernel.actions import Write, parse
from ecology.kernel.batch import Turn
from ecology.kernel.code.functions import MAX_LOG_BYTES, MAX_LOGS, KernelFunctions
from ecology.kernel.contracts import Decision
from ecology.kernel.laws import CodeLaw
from tests.support.gallery import ANN, Gallery, gallery

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "howto" / "contracts.md"
TEXT = DOCUMENT.read_text("utf-8")
_MARK = re.compile(r"<!-- (example|acts|refused): (\S+)(?: (\S+))? -->")


def marked() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Every block with a mark on the line before it: kind, first and second word, and its lines."""
    lines = TEXT.splitlines()
    found = []
    for block in check_docs.blocks(DOCUMENT.name, TEXT):
        mark = _MARK.fullmatch(lines[block.line - 2])
        if mark is not None:
            found.append((mark[1], mark[2], mark[3] or "", block.lines))
    return found


def rows(heading: str) -> list[str]:
    """The first cell of each row of the tables under a heading."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.split("|")[1].strip() for line in table]


def test_every_program_shown_is_an_example_and_every_block_is_marked() -> None:
    shown = {name: lines for kind, name, _, lines in marked() if kind == "example"}
    assert set(shown) == {"paid_read", "median", "outliers"}
    for name, lines in shown.items():
        assert "\n".join(lines) + "\n" == examples.source(name)
    fences = [block.language for block in check_docs.blocks(DOCUMENT.name, TEXT)]
    assert fences.count("python") == len(shown)
    # one action is shown only to be looked at: what it charges for is explained elsewhere
    assert fences.count("json") == len(marked()) - len(shown) + 1


def test_the_actions_shown_do_what_is_said() -> None:
    program, played = "", 0
    with gallery() as stage:
        for kind, first, reason, lines in marked():
            if kind == "example":
                program = examples.source(first)
                continue
            for line in lines:
                action = parse(line)
                assert not isinstance(action, Refused), action
                if isinstance(action, Write) and action.content == "<the program>":
                    action = parse(line.replace('"<the program>"', _quoted(program)))
                    assert isinstance(action, Write)
                outcome = stage.act(first, action)
                got = outcome.reason if isinstance(outcome, Refused) else ""
                assert got == reason, outcome
                played += 1
    assert played == 9


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def test_every_action_shown_is_one() -> None:
    blocks = [block for block in check_docs.blocks(DOCUMENT.name, TEXT) if block.language == "json"]
    for line in (line for block in blocks for line in block.lines):
        assert not isinstance(parse(line), Refused), line


def test_the_tables_name_all_there_is() -> None:
    with gallery(agents=1) as stage:
        turn: Turn = stage.turn(ANN)
        stage.publish(ANN, "median")
        executable = stage.world.shelf.find("median")
        assert executable is not None
        functions = KernelFunctions(stage.world, turn, executable, stage.world.draw(turn.agent, 0))
        named = {cell.strip("`").partition("(")[0] for cell in rows("What code can call")} - {"function"}
        assert named == set(functions.of_method())
    keys = {cell.strip("`") for cell in rows("What `check` is asked, and what it answers")}
    assert keys >= set(Decision.__struct_fields__) - {"price", "state"} | {"scrip_cost", "state_update"}
    for cell in rows("Refusals an author meets")[1:]:
        assert cell.strip("`") in refusals.MEANING


def test_the_context_that_is_described_is_what_a_check_gets() -> None:
    """A contract that allows nothing and says in its reason what it was told."""
    source = "def check(caller, action, target, context, state):\n    return {'allowed': False, 'reason': REASON}\n"
    wanted = {
        "invoke": {"method", "args"},
        "write": {"content_sha256", "content_bytes", "contract", "alters"},
    }
    with gallery() as stage:
        told = source.replace("REASON", "' '.join(sorted(context))")
        for access, line in {
            "invoke": '{"action": "invoke", "artifact": "it", "method": "run"}',
            "write": '{"action": "write", "artifact": "it", "content": "x"}',
            "edit": '{"action": "edit", "artifact": "it", "old": "def", "new": "x"}',
            "delete": '{"action": "delete", "artifact": "it"}',
            "read": '{"action": "read", "artifact": "it"}',
            "transfer": '{"action": "transfer", "to": "agent-0002", "artifact": "it"}',
            "list": '{"action": "list", "artifact": "it", "price": 3}',
        }.items():
            if access == "invoke":
                stage.code(ANN, "teller", told, "check")
                stage.code(ANN, "it", "def run():\n    return 1\n", "run", contract="teller")
            keys = wanted.get(access, {"transfer": {"to"}, "list": {"price", "to"}}.get(access, set()))
            assert _told(stage, line) == keys | {"now_ms"}, access
        assert set(rows("What `check` is asked, and what it answers")) >= {"`target`"}


def _told(stage: Gallery, line: str) -> set[str]:
    action = parse(line)
    assert not isinstance(action, Refused)
    outcome = stage.act(ANN, action)
    assert isinstance(outcome, Refused)
    assert outcome.reason == refusals.NOT_PERMITTED, outcome
    return set(outcome.detail.split())


def test_the_numbers_are_the_kernels() -> None:
    law = CodeLaw()
    limits, costs = law.limits, law.costs
    for said in (
        f"| {limits.steps:,}, or",
        f"| {limits.memory_bytes // 1024 // 1024} MiB |",
        f"in the program | {limits.recursion} |",
        f"checks included | {law.max_depth} |",
        f"kernel's functions | {limits.calls} |",
        f"| {limits.output_bytes:,} bytes |",
        f"| {limits.result_bytes:,} bytes of JSON |",
        f"| {limits.wall_s:g} s |",
        f"{costs.fixed_us} µs, {costs.per_source_kib_us} µs a KiB of source",
        f"{costs.per_step_ns / 1000:g} µs a step, {costs.per_call_us} µs a call",
        f"{costs.per_kib_us} µs a KiB",
        f"at most {law.state_bytes:,} bytes of JSON",
        f"at most {MAX_LOG_BYTES} bytes, {MAX_LOGS} times",
    ):
        assert said in " ".join(TEXT.split()), said


def test_links_to_examples_lead_somewhere() -> None:
    linked = re.findall(r"\]\((\S+\.txt)\)", TEXT)
    assert linked
    for link in linked:
        assert (DOCUMENT.parent / link).resolve().is_file(), link
