"""What a turn costs. Under the virtual clock modelled from what was said and done, under the real clock measured."""

import msgspec


class Charge(msgspec.Struct):
    """What one turn was charged, and what it waited for before it began."""

    llm_millitokens: int = 0
    cpu_us: int = 0
    waited_ns: int = 0
    waited_on: str | None = None


class CostModel(msgspec.Struct, frozen=True):
    """The prices of thinking and acting, in base units.

    A thought costs `fixed + input/1000 × per_1k_input + output/1000 × per_1k_output` compute tokens (thousandths here,
    rounded up); a turn costs `turn_us + KiB handled × per_kib_us` of CPU when it is modelled. The worst cases are what
    is held before the turn and what a scenario must be able to afford.
    """

    fixed_millitokens: int
    per_1k_input_millitokens: int
    per_1k_output_millitokens: int
    max_input_tokens: int
    max_output_tokens: int
    turn_us: int
    per_kib_us: int
    input_usd_micros_per_million: int
    output_usd_micros_per_million: int
    worst_kib: int = 64

    def thought_millitokens(self, input_tokens: int, output_tokens: int) -> int:
        """Compute tokens (thousandths) of a thought with these LLM tokens."""
        variable = (
            input_tokens * self.per_1k_input_millitokens + output_tokens * self.per_1k_output_millitokens
        )
        return self.fixed_millitokens - (-variable // 1000)

    def thought_usd_micros(self, input_tokens: int, output_tokens: int) -> int:
        """Micro-dollars of a thought, rounded up."""
        micros = (
            input_tokens * self.input_usd_micros_per_million
            + output_tokens * self.output_usd_micros_per_million
        )
        return -(-micros // 1_000_000)

    def turn_cpu_us(self, handled_bytes: int) -> int:
        """Modelled CPU of a turn that handled that many bytes, at most the worst case."""
        return self.turn_us + min(handled_bytes, self.worst_kib * 1024) * self.per_kib_us // 1024

    @property
    def worst_millitokens(self) -> int:
        """The most a thought can cost; held before each."""
        return self.thought_millitokens(self.max_input_tokens, self.max_output_tokens)

    @property
    def worst_usd_micros(self) -> int:
        """The most a thought can cost in micro-dollars."""
        return self.thought_usd_micros(self.max_input_tokens, self.max_output_tokens)

    @property
    def worst_cpu_us(self) -> int:
        """The most CPU a modelled turn can cost."""
        return self.turn_us + self.worst_kib * self.per_kib_us


BYTES_PER_TOKEN = 4
"""English text is about four bytes to an LLM token; the model of a scripted thought uses it, and estimates do."""


def tokens_of(text_bytes: int) -> int:
    """Estimated LLM tokens of that many bytes of text, rounded up."""
    return -(-text_bytes // BYTES_PER_TOKEN)
