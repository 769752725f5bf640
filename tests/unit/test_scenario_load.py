"""Layers, their order, and errors that say what, where and how to mend it."""

import os
from pathlib import Path

import pytest

from ecology.core.errors import ScenarioError
from ecology.scenarios import STRATEGIES, load, loads


def write(folder: Path, text: str, name: str = "dry.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def line_of(fault: pytest.ExceptionInfo[ScenarioError]) -> str:
    text = str(fault.value)
    assert text.isprintable()
    return text


def test_each_layer_wins_over_the_ones_before(tmp_path: Path) -> None:
    path = write(tmp_path, "agents: 6\nseed: 6\nscrip: {initial: 6}\neconomy: {price: 6}\n")
    environ = {
        "ECOLOGY__SEED": "7",
        "ECOLOGY__SCRIP__INITIAL": "7",
        "ECOLOGY__ECONOMY__PRICE": "7",
        "HOME": "x",
    }
    scenario = load(
        path,
        environ=environ,
        overrides=["scrip.initial=8", "economy.price=8"],
        flags={"economy.price": 9, "duration": None},
    )
    assert scenario.agents == 6
    assert scenario.seed == 7
    assert scenario.scrip.initial == 8
    assert scenario.economy.price == 9
    assert scenario.duration_ns == 600 * 10**9
    assert scenario.name == "dry"


def test_the_environment_of_the_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ECOLOGY__AGENTS", "9")
    assert load("container").agents == 5


def test_sections_merge_and_lists_are_replaced(tmp_path: Path) -> None:
    path = write(tmp_path, "resources: {flow: {llm_rate: {capacity: 50}}}\neconomy: {goods: [bread]}\n")
    scenario = load(path)
    assert scenario.resources.flow.llm_rate.capacity_millitokens == 50_000
    assert scenario.resources.flow.llm_rate.rate_millitokens_per_s == 10_000
    assert scenario.economy.goods == ("bread",)


def test_null_means_the_default_of_a_section(tmp_path: Path) -> None:
    assert load(write(tmp_path, "resources:\ncontainer:\n")).resources == load("container").resources


def test_items_of_lists_are_set_by_index() -> None:
    scenario = load(
        "famine",
        overrides=[
            "population.0.share=2",
            "population.0.resources.flow.llm_rate.capacity=77",
            "economy.goods.1=bread",
            "population.6.strategy=maker",
        ],
    )
    assert scenario.population[0].share_milli == 2_000
    assert scenario.population[0].resources.flow.llm_rate.capacity_millitokens == 77_000
    assert scenario.economy.goods[1] == "bread"
    assert len(scenario.population) == 7


def test_overrides_are_yaml_values() -> None:
    scenario = load(
        "container",
        overrides=[
            "economy.goods=[a, b]",
            "container={cpus: 0.5, memory: 1GiB}",
            "description='x: y'",
            "model.name=llama3:8b",
            "duration=1h",
        ],
        environ={"ecology__population": "[{strategy: maker}]", "ECOLOGY__POPULATION__0__SCRIP": "3"},
    )
    assert scenario.economy.goods == ("a", "b")
    assert scenario.container is not None
    assert scenario.container.cpu_millis == 500
    assert scenario.description == "x: y"
    assert scenario.model.name == "llama3:8b"
    assert scenario.duration_ns == 3_600 * 10**9
    assert scenario.population[0].scrip == 3
    assert load("container", overrides=["container=null"]).container is None


def test_the_clock_follows_the_policy_unless_it_is_named() -> None:
    assert load("container").clock == "virtual"
    assert load("container", flags={"policy": "llm"}).clock == "real"
    assert load("container", flags={"policy": "llm", "clock": "virtual"}).clock == "virtual"
    assert load("container", overrides=["clock=real"]).clock == "real"


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("agents=0", "--set agents: expected a whole number of agents from 1 to 100000, got 0"),
        ("agents=five", "--set agents: expected a whole number of agents from 1 to 100000, got 'five'"),
        ("agents=1e6", "from 1 to 100000, got 1"),
        ("agnts=3", "--set agnts: unknown key; did you mean 'agents'?"),
        ("llm_rate=3", "--set llm_rate: unknown key; did you mean 'resources.flow.llm_rate'?"),
        (
            "resources.flow.llm_rate.rte=3",
            "--set resources.flow.llm_rate.rte: unknown key; did you mean 'rate'?",
        ),
        ("resources.flow.llm_rate.rate=0", "compute tokens per second from 0.001 to 9000000, got 0"),
        ("resources.flow.cpu.rate=0", "CPU-seconds per second from 0.000001 to 9000, got 0"),
        ("zzzz.qqqq=3", "known here: name, description, agents"),
        ("clock=vrtual", "expected virtual or real, got 'vrtual'; did you mean 'virtual'?"),
        ("contracts.default=pirvate", "did you mean 'private'?"),
        ("population.9.share=3", "--set population.9.share: population is a list of 6; name an item from 0"),
        ("population.x=3", "population is a list of 6"),
        ("population.0.resources.flow.llm_rate=4", "expected a section (keys and values), got 4"),
        ("population.0.share=-1", "parts from 0"),
        ("agents.x=1", "--set agents.x: agents has no parts; set agents itself"),
        ("agents", "--set 'agents': expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
        ("a..b=1", "an empty part in the key"),
        (".".join("a" * 40) + "=1", "a key of more than"),
        ("economy.goods=[a, b", "not YAML"),
        ("economy.goods=[a, A B]", "economy.goods.1: expected a name of 1 to 64"),
        ("economy.goods=[]", "at least 1 item"),
        ("economy.goods=3", "--set economy.goods: expected a list, got 3"),
        ("economy=3", "--set economy: expected a section (keys and values), got 3"),
        ("seed=1.5", "expected a whole number from 0 to 9223372036854775807, got 1.5"),
        ("seed=-1", "got -1"),
        ("seed=true", "got true"),
        ("name=", "--set name: expected text, got null"),
        ("name=5", "expected text, got 5; put it in quotes"),
        ("name=../../etc", "expected a name"),
        ("duration=0", "expected a duration"),
        ("population.0.traits={A b: 1}", "expected a name"),
        ("population.0.traits={a: 1.5}", "expected a whole number"),
        ("population.0.traits=1", "expected a section"),
        ("population={strategy: maker}", "expected a list, got a mapping"),
        ("population=[{share: 1}]", "population.0.strategy: missing; add `strategy`"),
        ("population=[{strategy: maker, share: 0}]", "every group's share is 0"),
        ("supervisor.backoff_max_s=1", "backoff_max_s is 1, below backoff_s, which is 5"),
        ("model.url=ftp://x", "expected a URL such as"),
        ("model.url=http://", "expected a URL such as"),
        ("model.url=http://[::1", "expected a URL such as"),
    ],
)
def test_a_wrong_override_is_named_with_its_remedy(override: str, what: str) -> None:
    with pytest.raises(ScenarioError) as fault:
        load("famine", overrides=[override])
    assert what in line_of(fault)
    assert str(fault.value).startswith("--set ")


def test_variables_and_flags_are_named_as_they_were_given() -> None:
    with pytest.raises(ScenarioError, match=r"^ECOLOGY__AGENTS: expected a whole number of agents"):
        load("famine", environ={"ECOLOGY__AGENTS": "0"})
    with pytest.raises(ScenarioError, match=r"^--agents: expected a whole number of agents"):
        load("famine", flags={"agents": 0})
    with pytest.raises(ScenarioError, match=r"^--llm-url: expected a URL"):
        load("famine", flags={"model.url": "nowhere"})


def test_errors_of_a_file_name_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "agents: 3\n\nresources:\n  flow:\n    llm_rate: { rte: 3 }\n")
    with pytest.raises(ScenarioError) as fault:
        load(path)
    assert line_of(fault) == f"{path}:5: resources.flow.llm_rate.rte: unknown key; did you mean 'rate'?"


def test_the_number_of_further_problems_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"dry.yaml:1: agents: .* \(and 2 more\)"):
        load(write(tmp_path, "agents: 0\nseed: x\nnope: 1\n"))


@pytest.mark.parametrize("key", ["api_key", "apikey", "token", "openai_key", "password", "client-secret"])
def test_secrets_are_turned_away_and_never_quoted(tmp_path: Path, key: str) -> None:
    with pytest.raises(ScenarioError) as fault:
        load(write(tmp_path, f"model: {{ {key}: sk-hidden }}\n"))
    assert "ECOLOGY_LLM_API_KEY" in line_of(fault)
    assert "sk-hidden" not in str(fault.value)


@pytest.mark.parametrize(
    "url", ["http://u:hidden@h/v1", "http://h/v1?key=hidden", "https://h/#hidden", "ht tp://hidden"]
)
def test_secrets_in_a_url_are_turned_away_and_never_quoted(url: str) -> None:
    with pytest.raises(ScenarioError) as fault:
        load("container", flags={"model.url": url})
    assert "hidden" not in line_of(fault)


def test_an_unknown_name_is_answered_with_the_nearest_and_all(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as fault:
        load("famin")
    assert "unknown scenario 'famin'; did you mean 'famine'? known: commons, container" in line_of(fault)


def test_files_that_cannot_be_scenarios(tmp_path: Path) -> None:
    cases = {
        str(tmp_path / "gone.yaml"): "no such file",
        str(tmp_path): "not a file",
        "/dev/null": "not a file",
        "a\0b/c": "cannot be read",
        str(
            write(tmp_path, "- 1\n", "list.yaml")
        ): "list.yaml:1: not a scenario: expected keys and values, got a list",
        str(write(tmp_path, "#" * 1_000_001, "long.yaml")): "longer than 1000000 bytes",
    }
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"agents: 3\nname: \xff\n")
    cases[str(binary)] = "binary.yaml:2: not UTF-8 text"
    for name, what in cases.items():
        with pytest.raises(ScenarioError) as fault:
            load(name)
        assert what in line_of(fault)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfagents: 3\n")
    assert load(path).agents == 3


def test_a_file_without_a_name_is_called_after_the_file(tmp_path: Path) -> None:
    assert load(write(tmp_path, "agents: 3\n", "My Test (2).yaml")).name == "my-test-2"
    assert load(write(tmp_path, "agents: 3\n", "ÄÖ.yaml")).name == "scenario"


def test_strategies_can_be_limited_to_the_known_ones(tmp_path: Path) -> None:
    path = write(tmp_path, "population:\n  - strategy: maker\n  - strategy: tradr\n")
    with pytest.raises(
        ScenarioError, match=r"dry.yaml:3: population.1.strategy: unknown strategy 'tradr'; did you"
    ):
        load(path, strategies=STRATEGIES)
    assert load(path).population[1].strategy == "tradr"


def test_text_can_be_loaded_by_itself() -> None:
    assert loads("agents: 4\n").agents == 4
    with pytest.raises(ScenarioError, match=r"^run.yaml:1: agents"):
        loads("agents: x\n", "run.yaml")
