"""The scenarios that ship, those of other packages, and what identifies a world."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ecology.core.errors import ScenarioError
from ecology.engine.strategies import STRATEGIES
from ecology.scenarios import Scenario, catalogue, dump, list_scenarios, load, loads, names

SHIPPED = ["commons", "container", "famine", "market", "stress"]


def test_at_least_the_five_worlds_ship() -> None:
    assert names()[:5] == SHIPPED
    for name, description, path in list_scenarios():
        assert description
        assert not description.startswith("unusable")
        assert path
        assert load(name).name == name


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_world_is_as_its_run_record_says(name: str) -> None:
    scenario = load(name, strategies=STRATEGIES)
    text = dump(scenario)
    assert loads(text) == scenario
    assert dump(loads(text)) == text
    assert sum(group.count for group in scenario.groups()) == scenario.agents


def test_the_container_is_the_original_design() -> None:
    scenario = load("container")
    assert (
        scenario.model_copy(update={"description": "", "container": None, "name": "scenario"}) == Scenario()
    )
    assert scenario.container is not None
    found = scenario.container.limits()
    assert (found.cpu_millis, found.memory_bytes, found.source) == (2000, 4 * 1024**3, "scenario")


def test_the_worlds_differ_in_their_physics() -> None:
    worlds = {name: load(name) for name in SHIPPED}
    assert len({world.fingerprint() for world in worlds.values()}) == len(SHIPPED)
    assert worlds["commons"].contracts.default == "public"
    assert worlds["commons"].physics().disk_bytes < worlds["container"].physics().disk_bytes
    assert len({group.scrip for group in worlds["market"].groups()}) > 2
    assert worlds["famine"].physics().llm_budget_usd_micros is not None
    assert (
        worlds["famine"].physics().llm_rate_millitokens_per_s
        < worlds["container"].physics().llm_rate_millitokens_per_s
    )


def test_a_fingerprint_is_of_the_world_not_of_its_presentation() -> None:
    base = load("container")
    same = load(
        "container", flags={"name": "other", "description": "x", "model.url": "http://127.0.0.1:1/v1"}
    )
    assert same.fingerprint() == base.fingerprint()
    for override in (
        "seed=1",
        "agents=6",
        "duration=11m",
        "scrip.initial=99",
        "model.name=m",
        "economy.price=11",
    ):
        assert load("container", overrides=[override]).fingerprint() != base.fingerprint(), override
    assert len(base.fingerprint()) == 64


def test_scenarios_of_other_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "desert.yaml"
    file.write_text("description: from a path\nagents: 3\n")
    (tmp_path / "oasis_worlds.py").write_text(
        f"from pathlib import Path\nDESERT = Path({str(file)!r})\nTEXT = 'description: from text\\nagents: 4\\n'\n"
        "NONSENSE = 5\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [
        EntryPoint(name, f"oasis_worlds:{attribute}", catalogue.ENTRY_POINTS)
        for name, attribute in [
            ("desert", "DESERT"),
            ("text", "TEXT"),
            ("odd", "NONSENSE"),
            ("gone", "GONE"),
            ("famine", "TEXT"),
        ]
    ]
    monkeypatch.setattr(
        catalogue, "entry_points", lambda group: found if group == catalogue.ENTRY_POINTS else []
    )
    assert names() == [*SHIPPED, "desert", "gone", "odd", "text"]
    assert (load("desert").agents, load("desert").name) == (3, "desert")
    assert load("text").agents == 4
    assert load("famine").agents == 30, "what ships cannot be replaced"
    with pytest.raises(
        ScenarioError, match="entry point odd = oasis_worlds:NONSENSE: expected a path or YAML text"
    ):
        load("odd")
    with pytest.raises(ScenarioError, match="entry point gone = oasis_worlds:GONE: cannot be loaded"):
        load("gone")
    listing = {name: description for name, description, _ in list_scenarios()}
    assert listing["desert"] == "from a path"
    assert listing["gone"].startswith("unusable: ")
    sys.modules.pop("oasis_worlds")
