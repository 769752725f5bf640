"""Attacks on repeatability: an economy of random deeds, played by processes that differ in all that must not matter.

A failure that is rolled back leaves nothing behind that a later number, name or id could depend on.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ecology.core.clock import MILLISECOND_NS, SECOND_NS
from ecology.core.seeds import Draw
from ecology.kernel.actions import Action, Buy, Invoke, List, Noop, Transfer, Write
from ecology.kernel.laws import CodeLaw, Laws, MintLaw
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK
from ecology.sandbox.outcome import Limits
from ecology.testing.fingerprint import fingerprint
from ecology.testing.worlds import GRANTS, Stage
from tests.support.hostile import WHO, Attacker
from tests.support.market_deeds import MarketDoer, first_tools
from tests.support.tools import ME, interface, make, result

ROOT = Path(__file__).parents[2]
DEEDS = 500
LAWS = Laws(mint=MintLaw(slots=2, first_ns=4 * SECOND_NS), code=CodeLaw(limits=Limits(steps=5_000)))
"""So few steps that no clock has to step in, which would decide differently on a busy machine."""
SEEN = """
def run(secret):
    out = [random(), now(), hash('x'), repr(run), id([]), list({'a', 'b', 'c', 'd', 'e'})]
    return out + [sorted(query('artifacts', {'limit': 50})), str({'x', 'y', 'z'})]
"""
"""What code could tell one process, worker or run from another by."""


def life(seed: int) -> str:
    """The hash of everything that happened in a world of honest and hostile deeds, and of what it came to."""
    draw = Draw(seed)
    grants = {**GRANTS, DISK: 8_000, CPU_RATE: 800_000, CPU_CAPACITY: 3_000_000}
    stage = Stage.of(4, grants, seed=seed, laws=LAWS)
    for who, action in first_tools(draw, [*WHO, "agent-0004"]):
        stage.do(who, action)
    make(stage, "seen", SEEN, who=WHO[0])
    attacker, doer, told = Attacker(draw), MarketDoer(draw, stage.world), hashlib.sha256()
    for turn in range(DEEDS):
        who, deed = doer.deed()
        hostile = attacker.action() if turn % 3 == 0 else deed
        if hostile is not None and stage.agent(who).status != "asleep":
            told.update(repr(stage.act(who, hostile)).encode("utf-8", "replace"))
        if turn % 25 == 0 and stage.agent(ME).status != "asleep":
            told.update(repr(stage.act(ME, Invoke("seen", args={"secret": 1}))).encode())
        if draw.chance(25):
            stage.pass_time(draw.below(3_000) * MILLISECOND_NS)
        if turn % 40 == 0:
            for event in stage.events():
                told.update(msgspec.msgpack.encode(event))
    told.update(repr(fingerprint(stage.world, stage.now_ns)).encode("utf-8", "replace"))
    return told.hexdigest()


@pytest.mark.parametrize("seed", [3, 4])
def test_another_process_plays_the_same_life(seed: int) -> None:
    here = life(seed)
    assert life(seed) == here, "warm workers and caches make no difference"
    assert life(seed + 1) != here
    for hashes in ("1", "2"):
        code = f"from tests.simulation.test_attacks_repeat import life; print(life({seed}))"
        env = {**os.environ, "PYTHONHASHSEED": hashes, "TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT)}
        there = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=env,
            cwd=ROOT,
            timeout=120,
            check=True,
        )
        assert there.stdout.strip() == here


FAILING = """
def run(**k):
    numbers = [random() for i in range(9)]
    write('ghost', 'x')
    transfer('agent-0002', 1)
    log('never said')
    return invoke('ghost') if len(k) else 1 // 0
"""


def _later(action: Action) -> tuple[object, ...]:
    """What agents see of numbers and names after a turn in which somebody did this."""
    stage = Stage.of(3)
    make(stage, "numbers", "def run():\n    return [random(), random(), query('world')]\n")
    make(stage, "failing", FAILING)
    stage.act(ME, action)
    seen: list[object] = [result(stage, "numbers"), result(stage, "numbers", "agent-0003")]
    seen.append(stage.do(ME, Write("ghost", "first writer", interface=interface("run"))))
    listing = stage.do(ME, List(1, asset=DISK, amount=10))
    seen += [listing, stage.do("agent-0003", Buy("listing-1"))]
    stage.do(ME, Transfer("agent-0002", 1))
    seen.append([(it.id, it.revision) for it in stage.world.shelf.everything()])
    seen.append(list(stage.world.book.accounts()))
    return tuple(seen)


@pytest.mark.parametrize("args", [{}, {"a": 1}])
def test_a_failure_leaves_no_trace_in_what_comes_after(args: dict[str, object]) -> None:
    quiet = _later(Noop())
    assert _later(Invoke("failing", args=args, allowance=5)) == quiet
