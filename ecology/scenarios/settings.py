"""The sections of a scenario, as people write them and as the world keeps them.

In YAML a key is short (`rate`); in Python it says its unit (`rate_millitokens_per_s`) and is a whole number
of it. Every description here is what `docs/reference/scenario.md` prints.
"""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from calibrate.reading import Limits
from ecology.core.ids import is_id
from ecology.core.limits import MAX_AGENTS, MAX_AMOUNT
from ecology.resources.costs import CostModel
from ecology.scenarios.quantity import SECOND_NS, Number, Size, shown

MAX_FLOW = 9_000_000_000
"""Largest rate or capacity, in base units: a bucket's level, in billionths of one, stays within 64 bits."""

TOKENS = Number(unit="compute tokens", scale=1000, high=MAX_FLOW)
TOKEN_RATE = Number(unit="compute tokens per second", scale=1000, low=1, high=MAX_FLOW)
TOKEN_CAPACITY = Number(unit="compute tokens", scale=1000, low=1, high=MAX_FLOW)
CPU_RATE = Number(unit="CPU-seconds per second", scale=1_000_000, low=1, high=MAX_FLOW)
CPU_CAPACITY = Number(unit="CPU-seconds", scale=1_000_000, low=1, high=MAX_FLOW)
DOLLARS = Number(unit="US dollars", scale=1_000_000, high=10**15)
PRICE = Number(unit="US dollars per million LLM tokens", scale=1_000_000, high=10**12)
MICROSECONDS = Number(unit="CPU microseconds", high=MAX_FLOW)
SCRIP = Number(unit="scrip")
TRAIT = Number(low=-MAX_AMOUNT)
WAIT = Number(unit="seconds", scale=SECOND_NS, low=1_000_000, high=86_400 * SECOND_NS)


class Settings(BaseModel):
    """Any section: unknown keys are refused, nothing changes after loading, `null` means the defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, data: object) -> object:
        if data is None:
            return {}
        if isinstance(data, dict | BaseModel):
            return data
        raise ValueError(f"expected a section (keys and values), got {shown(data)}")


def _word(text: str) -> str:
    if not is_id(text):
        raise ValueError(
            f"expected a name of 1 to 64 of a-z 0-9 _ . -, starting with a letter or digit, got {shown(text)}"
        )
    return text


def _line(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > 500 or not line.isprintable():
        raise ValueError("expected one line of at most 500 printable characters")
    return line


def _endpoint(text: str) -> str:
    """An http(s) URL that carries no secret; the refused text is never quoted, for it may hold one."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or port == 0
        or not text.isprintable()
        or " " in text
    ):
        raise ValueError("expected a URL such as http://127.0.0.1:8080/v1")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "a URL here carries no user, password, query or fragment; pass the key by ECOLOGY_LLM_API_KEY"
        )
    return text


Word = Annotated[str, AfterValidator(_word)]
Line = Annotated[str, AfterValidator(_line)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]


class ContainerSettings(Settings):
    """The container that the world pretends to live in."""

    cpu_millis: Annotated[int, Number(unit="CPUs", scale=1000, low=1, high=10**9)] = Field(
        default=2000, alias="cpus", description="CPUs of the container"
    )
    memory_bytes: Annotated[int, Size(low=1024**2)] = Field(
        default=4 * 1024**3, alias="memory", description="memory of the container"
    )

    def limits(self) -> Limits:
        """These settings as the limits that `calibrate.samplers.limits.detect` would report."""
        return Limits(cpu_millis=self.cpu_millis, memory_bytes=self.memory_bytes, source="scenario")


class ScripSettings(Settings):
    """The currency of the world."""

    initial: Annotated[int, SCRIP] = Field(default=100, description="scrip that each agent begins with")


class DiskSettings(Settings):
    """A quota: freed by deleting."""

    total_bytes: Annotated[int, Size()] = Field(
        default=500_000, alias="total", description="disk quota of each agent"
    )


class MemorySettings(Settings):
    """A quota: occupied while an agent thinks."""

    total_bytes: Annotated[int, Size()] = Field(
        default=256 * 1024**2,
        alias="total",
        description="memory quota of each agent; a thought occupies `thought.memory`",
    )


class BudgetSettings(Settings):
    """Real money: gone once spent."""

    total_usd_micros: Annotated[int, DOLLARS] | None = Field(
        default=None,
        alias="total_usd",
        description="money each agent may spend on models; null: money is not accounted",
    )


class StockSettings(Settings):
    """What is held."""

    disk: DiskSettings = DiskSettings()
    memory: MemorySettings = MemorySettings()
    llm_budget: BudgetSettings = BudgetSettings()


class TokenFlowSettings(Settings):
    """The token bucket that thoughts are paid from."""

    rate_millitokens_per_s: Annotated[int, TOKEN_RATE] = Field(
        default=10_000, alias="rate", description="refill of each agent's bucket"
    )
    capacity_millitokens: Annotated[int, TOKEN_CAPACITY] = Field(
        default=100_000, alias="capacity", description="most that a bucket holds; full at the start"
    )


class CpuFlowSettings(Settings):
    """The token bucket that the CPU of turns is paid from."""

    rate_us_per_s: Annotated[int, CPU_RATE] = Field(
        default=400_000, alias="rate", description="refill of each agent's bucket"
    )
    capacity_us: Annotated[int, CPU_CAPACITY] = Field(
        default=2_000_000, alias="capacity", description="most that a bucket holds; full at the start"
    )


class FlowSettings(Settings):
    """What comes back with time."""

    llm_rate: TokenFlowSettings = TokenFlowSettings()
    cpu: CpuFlowSettings = CpuFlowSettings()


class ResourceSettings(Settings):
    """The rights that each agent begins with."""

    stock: StockSettings = StockSettings()
    flow: FlowSettings = FlowSettings()


class ThoughtSettings(Settings):
    """What one thought costs and occupies. The worst case is held before, the real cost is settled after."""

    fixed_millitokens: Annotated[int, TOKENS] = Field(
        default=15_000, alias="fixed", description="cost of any thought"
    )
    per_1k_input_millitokens: Annotated[int, TOKENS] = Field(
        default=2_000, alias="per_1k_input", description="cost of 1000 LLM tokens read"
    )
    per_1k_output_millitokens: Annotated[int, TOKENS] = Field(
        default=6_000, alias="per_1k_output", description="cost of 1000 LLM tokens written"
    )
    max_input_tokens: Annotated[int, Number(unit="LLM tokens", low=1, high=10_000_000)] = Field(
        default=6_000, alias="max_input", description="most that one thought reads"
    )
    max_output_tokens: Annotated[int, Number(unit="LLM tokens", low=1, high=10_000_000)] = Field(
        default=400, alias="max_output", description="most that one thought writes"
    )
    memory_bytes: Annotated[int, Size()] = Field(
        default=256 * 1024**2, alias="memory", description="memory that one thought occupies while it lasts"
    )
    at_once: Annotated[int, Number(unit="agents", low=1, high=MAX_AGENTS)] | None = Field(
        default=None,
        description="agents that may think at once; null: as many as the container's memory holds",
    )


class CpuCostSettings(Settings):
    """The virtual clock's model of the CPU of a turn; under the real clock it is measured."""

    turn_us: Annotated[int, MICROSECONDS] = Field(default=2_000, description="CPU of any turn")
    per_kib_us: Annotated[int, MICROSECONDS] = Field(
        default=200, description="CPU of each KiB that the turn reads or writes"
    )


class PriceSettings(Settings):
    """What the model's vendor charges; matters where `resources.stock.llm_budget` is set."""

    input_usd_micros_per_million: Annotated[int, PRICE] = Field(
        default=0, alias="input_usd_per_million", description="price of LLM tokens read"
    )
    output_usd_micros_per_million: Annotated[int, PRICE] = Field(
        default=0, alias="output_usd_per_million", description="price of LLM tokens written"
    )


ContractName = Literal["freeware", "private", "public", "self_owned", "transferable_freeware"]


class ContractSettings(Settings):
    """Who may do what with an artifact."""

    default: ContractName = Field(
        default="freeware", description="contract of an artifact that names none, or one that is gone"
    )


class EconomySettings(Settings):
    """What strategies are told about their world. Policy, not physics: the kernel never reads it."""

    price: Annotated[int, Number(unit="scrip", low=1)] = Field(
        default=10, description="reference price of one artifact"
    )
    goods: Annotated[tuple[Word, ...], Field(min_length=1, max_length=64)] = Field(
        default=("tool", "essay", "map"), description="kinds of artifact to specialise in"
    )
    appetite_ns: Annotated[int, WAIT] = Field(
        default=60 * SECOND_NS, alias="appetite_s", description="time between an agent's wants"
    )


class ModelSettings(Settings):
    """The model behind `policy: llm`. Its key is never here but in `ECOLOGY_LLM_API_KEY` or `..._FILE`."""

    url: Endpoint | None = Field(
        default=None, description="OpenAI-compatible endpoint, e.g. http://127.0.0.1:8080/v1"
    )
    name: Annotated[Line, Field(min_length=1)] | None = Field(
        default=None, description="model's name at the endpoint"
    )
    timeout_ms: Annotated[int, Number(unit="seconds", scale=1000, low=1, high=86_400_000)] = Field(
        default=60_000, alias="timeout_s", description="longest wait for one answer"
    )
    temperature_milli: Annotated[int, Number(scale=1000, high=2_000)] | None = Field(
        default=None, alias="temperature", description="sampling temperature; null: the endpoint's default"
    )


class SupervisorSettings(Settings):
    """What happens to an agent whose policy crashes."""

    backoff_ns: Annotated[int, WAIT] = Field(
        default=5 * SECOND_NS,
        alias="backoff_s",
        description="pause after the first crash; doubles with each further one",
    )
    backoff_max_ns: Annotated[int, WAIT] = Field(
        default=300 * SECOND_NS, alias="backoff_max_s", description="longest pause"
    )
    freeze_after: Annotated[int, Number(unit="crashes", low=1, high=1_000)] = Field(
        default=8, description="crashes in a row after which the agent is frozen"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "SupervisorSettings":
        if self.backoff_max_ns < self.backoff_ns:
            first, longest = WAIT.show(self.backoff_ns), WAIT.show(self.backoff_max_ns)
            raise ValueError(f"backoff_max_s is {longest}, below backoff_s, which is {first}")
        return self


def cost_model(thought: ThoughtSettings, cpu: CpuCostSettings, prices: PriceSettings) -> CostModel:
    """The costs of thinking and acting that these sections describe."""
    return CostModel(
        fixed_millitokens=thought.fixed_millitokens,
        per_1k_input_millitokens=thought.per_1k_input_millitokens,
        per_1k_output_millitokens=thought.per_1k_output_millitokens,
        max_input_tokens=thought.max_input_tokens,
        max_output_tokens=thought.max_output_tokens,
        turn_us=cpu.turn_us,
        per_kib_us=cpu.per_kib_us,
        input_usd_micros_per_million=prices.input_usd_micros_per_million,
        output_usd_micros_per_million=prices.output_usd_micros_per_million,
    )
