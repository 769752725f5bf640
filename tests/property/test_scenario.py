"""Scenarios: what is dumped is loaded again, and no text whatsoever gets past the one-line error."""

from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecology.core.errors import ScenarioError
from ecology.core.ids import is_id
from ecology.scenarios import STRATEGIES, Scenario, document, dump, keys, load, loads
from ecology.scenarios.population import apportion
from ecology.scenarios.quantity import Duration, Number, Size

BYTES = st.integers(0, 2**50)
SCRIP = st.integers(0, 10**9)
WORDS = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True).filter(is_id)
LINES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=60)


def scaled(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    """Numbers with that many decimals, between `low` and `high` units of the last one."""
    return st.integers(low, high).map(lambda amount: Decimal(amount).scaleb(-places))


@st.composite
def rights(draw: st.DrawFn, *, partial: bool) -> dict[str, object]:
    """A `resources` section that affords the costs below; a partial one leaves keys out."""

    def section(parts: dict[str, st.SearchStrategy[object]]) -> dict[str, object]:
        chosen = [name for name in parts if not partial or draw(st.booleans())]
        return {name: draw(parts[name]) for name in chosen}

    stock: dict[str, object] = {
        "disk": section({"total": BYTES}),
        "memory": section({"total": st.integers(2**20, 2**50)}),
    }
    if not partial:
        stock["llm_budget"] = {"total_usd": draw(st.none() | scaled(50_000, 10**9, 6))}
    flow = {
        "llm_rate": section({"rate": scaled(1, 10**6, 3), "capacity": scaled(200_000, 10**8, 3)}),
        "cpu": section({"rate": scaled(1, 10**7, 6), "capacity": scaled(2_000_000, 10**8, 6)}),
    }
    return {"stock": stock, "flow": flow}


@st.composite
def groups(draw: st.DrawFn) -> dict[str, object]:
    return {
        "strategy": draw(st.sampled_from(STRATEGIES) | WORDS),
        "share": draw(scaled(1, 10**6, 3)),
        "scrip": draw(st.none() | SCRIP),
        "resources": draw(st.none() | rights(partial=True)),
        "traits": draw(st.dictionaries(WORDS, st.integers(-(2**62), 2**62), max_size=3)),
    }


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, object]:
    """Plain data of a possible world: its costs are bounded below what `rights` grants."""
    return {
        "name": draw(WORDS),
        "description": draw(LINES),
        "agents": draw(st.integers(1, 1000)),
        "duration": draw(st.integers(1, 10**6) | st.integers(1, 10**15).map(Duration().show)),
        "seed": draw(st.integers(0, 2**63 - 1)),
        "policy": draw(st.sampled_from(["scripted", "llm"])),
        "clock": draw(st.sampled_from(["virtual", "real", None])),
        "container": draw(
            st.none() | st.fixed_dictionaries({"cpus": scaled(1, 10**6, 3), "memory": st.just("2GiB")})
        ),
        "scrip": {"initial": draw(SCRIP)},
        "resources": draw(rights(partial=False)),
        "thought": {
            "fixed": draw(scaled(0, 100_000, 3)),
            "per_1k_input": draw(scaled(0, 9_000, 3)),
            "per_1k_output": draw(scaled(0, 9_000, 3)),
            "max_input": draw(st.integers(1, 5_000)),
            "max_output": draw(st.integers(1, 5_000)),
            "memory": draw(st.integers(0, 2**20)),
        },
        "cpu_cost": {"turn_us": draw(st.integers(0, 10**6)), "per_kib_us": draw(st.integers(0, 1_000))},
        "prices": {
            "input_usd_per_million": draw(scaled(0, 5 * 10**6, 6)),
            "output_usd_per_million": draw(scaled(0, 5 * 10**6, 6)),
        },
        "contracts": {"default": draw(st.sampled_from(["freeware", "private", "public", "self_owned"]))},
        "population": draw(st.lists(groups(), max_size=4)),
        "economy": {
            "price": draw(st.integers(1, 10**6)),
            "goods": draw(st.lists(WORDS, min_size=1, max_size=4)),
            "appetite_s": draw(scaled(1, 10**6, 3)),
        },
        "model": {
            "url": draw(st.none() | st.just("http://127.0.0.1:8080/v1")),
            "name": draw(st.none() | WORDS),
            "temperature": draw(st.none() | scaled(0, 2_000, 3)),
        },
        "supervisor": {"backoff_s": draw(scaled(1, 300_000, 3)), "freeze_after": draw(st.integers(1, 100))},
    }


@given(scenarios())
@settings(deadline=None, max_examples=150)
def test_a_dumped_scenario_loads_to_an_equal_one(data: dict[str, object]) -> None:
    scenario = Scenario.model_validate(data)
    text = dump(scenario)
    again = loads(text)
    assert again == scenario
    assert dump(again) == text
    assert again.fingerprint() == scenario.fingerprint()
    assert sum(group.count for group in again.groups()) == scenario.agents


@given(st.integers(1, 10**5), st.lists(st.integers(0, 10**12), min_size=1, max_size=20).filter(any))
@settings(deadline=None)
def test_every_agent_belongs_to_one_group_and_no_group_is_off_by_one(agents: int, shares: list[int]) -> None:
    counts = apportion(agents, shares)
    assert sum(counts) == agents
    for count, share in zip(counts, shares, strict=True):
        assert abs(count * sum(shares) - agents * share) < sum(shares)
        assert count == 0 or share > 0


@given(
    st.sampled_from([Number(unit="x", scale=10**6), Number(), Size(), Duration(low=0)]),
    st.integers(0, 10**17),
)
@settings(deadline=None)
def test_what_is_shown_is_read_again(quantity: Number | Size | Duration, amount: int) -> None:
    shown = quantity.show(amount)
    assert quantity.parse(shown) == amount
    assert quantity.parse(str(shown)) == amount


TEXT = st.text().filter(str.isprintable)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | scaled(-(10**9), 10**9, 4) | TEXT,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(TEXT, part, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
@settings(deadline=None)
def test_emitted_yaml_is_parsed_back(data: dict[str, object]) -> None:
    assert document.parse(document.emit(data), "x").data == data


SHIPPED = [entry.read_bytes() for entry in (files("ecology.scenarios") / "library").iterdir()]
SNIPPETS = [
    *b"\x00 \xff \xc2\x85 &a *a !!str !<x> --- ... ? - : [ ] { } \" ' | > \\x 1e999999 0x ._ <<: # @ ` =".split(
        b" "
    ),
    "\u2028".encode(),
    "\u202e".encode(),
    b"\n",
    b"\t",
    b"\r",
    b"%YAML 1.9\n",
    b'"\\U00110000"',
    b"9" * 50,
    b"agents: ",
]


def check_one_line(fault: ScenarioError) -> None:
    text = str(fault)
    assert text.strip()
    assert text.isprintable()


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_mutated_yaml_loads_or_is_refused_in_one_line(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(SHIPPED)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 6))
        raw[at : at + cut] = data.draw(st.sampled_from(SNIPPETS) | st.binary(max_size=4))
    try:
        scenario = loads(raw.decode("utf-8", "surrogateescape"))
    except ScenarioError as fault:
        check_one_line(fault)
    else:
        assert loads(dump(scenario)) == scenario


PATHS = [key.path for key in keys.walk(Scenario)]
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["0", "-1", "1e99", "null", "[1]", "{a: 1}", "'x", "[[[[", "&a [*a]", "9" * 41]
)


@given(st.lists(st.tuples(st.sampled_from(PATHS) | st.text(max_size=20), TEXTS), min_size=1, max_size=3))
@settings(deadline=None, max_examples=200)
def test_any_override_is_taken_or_refused_in_one_line(pairs: list[tuple[str, str]]) -> None:
    overrides = [f"{path}={value}" for path, value in pairs]
    environ = {f"ECOLOGY__{path.upper().replace('.', '__')}": value for path, value in pairs}
    for given_overrides, given_environ in ((overrides, {}), ([], environ)):
        try:
            load("famine", overrides=given_overrides, environ=given_environ)
        except ScenarioError as fault:
            check_one_line(fault)


DEFAULTS = {key.path: key.default for key in keys.walk(Scenario) if key.default is not None}


@pytest.mark.parametrize("path", sorted(DEFAULTS.keys() - {"population"}))
def test_every_key_can_be_overridden_and_its_default_changes_nothing(path: str) -> None:
    base = {"population.0.strategy": "maker", "container.cpus": 2, "name": "scenario", "description": ""}
    assert load("container", flags={**base, path: DEFAULTS[path]}) == load("container", flags=base)
