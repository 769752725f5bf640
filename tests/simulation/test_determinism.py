"""Same scenario, same seed: the same world, whatever the process around it is like."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.support.command import ecology
from tests.support.small_run import SmallRun, scenario
from tests.support.stored_run import StoredRun

SCENARIOS = ("container", "commons", "market", "famine")
SMALL = ("--agents", "12", "--duration", "90s", "--seed", "11")


def _summary(cwd: Path, *arguments: str, **variables: str) -> dict[str, object]:
    finished = ecology("run", *arguments, "--json", "--quiet", cwd=cwd, **variables)
    assert finished.code == 0, finished.err
    summary: dict[str, object] = json.loads(finished.out)
    return summary


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_log_depends_on_scenario_and_seed_alone(name: str, tmp_path: Path) -> None:
    """Other hash seed, other working directory, other place for the run: not a byte differs, archive included."""
    first, second = tmp_path / "first", tmp_path / "a longer name" / "second"
    first.mkdir()
    second.mkdir(parents=True)
    one = _summary(first, "--scenario", name, *SMALL, PYTHONHASHSEED="1", TZ="UTC")
    other = _summary(
        second,
        "--scenario",
        name,
        *SMALL,
        "--runs",
        str(tmp_path / "elsewhere"),
        PYTHONHASHSEED="2",
        TZ="Asia/Tokyo",
    )
    assert one["event_log_sha256"] == other["event_log_sha256"]
    assert one["measures"] == other["measures"]
    stored = StoredRun.read(Path(str(one["run_dir"])))
    assert stored.difference(StoredRun.read(Path(str(other["run_dir"])))) == ""
    assert stored.event_log_sha256 == one["event_log_sha256"], "the export is not what the database holds"


@pytest.mark.parametrize("name", SCENARIOS)
def test_groups_carry_no_meaning(name: str, tmp_path: Path) -> None:
    """A commit after each turn, after every seventh, after all of them: the same rows."""
    world = scenario(name, agents=10, duration="60s", seed=4)
    stored = []
    for group_turns in (1, 7, 100_000):
        run = SmallRun.make(tmp_path / str(group_turns), world)
        run.live(group_turns=group_turns)
        stored.append(StoredRun.read(run.path))
    assert stored[0].events > 100
    assert stored[0].difference(stored[1]) == ""
    assert stored[0].difference(stored[2]) == ""


@pytest.mark.parametrize("name", SCENARIOS)
def test_another_seed_is_another_world(name: str, tmp_path: Path) -> None:
    digests = set()
    for seed in range(5):
        run = SmallRun.make(tmp_path, scenario(name, agents=10, duration="60s", seed=seed))
        run.live()
        # Without the first event, which tells the seed.
        bodies = [row[-1] for row in StoredRun.read(run.path).tables["events"][1:]]
        digests.add(hashlib.sha256(b"\n".join(bodies)).hexdigest())
    assert len(digests) == 5
