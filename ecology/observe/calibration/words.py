"""Words of a calibration, the same on the page and at the terminal; what others wrote is made fit to print."""

from calibrate.control import Bound
from ecology.core.clock import SECOND_NS
from ecology.observe import numerals

BOUNDS: dict[Bound, str] = {
    "cpu": "CPU",
    "memory": "memory",
    "latency": "waiting for the model",
    "one_process": "one process",
    "rate": "the highest rate allowed",
}
EXPLAINED: dict[Bound, str] = {
    "cpu": "The container's CPU binds: more rate would only be more CPU, until the knee.",
    "memory": "Memory binds before the CPU does: the band cannot be reached, and more CPUs would not help.",
    "latency": "Agents wait for a model: no rate makes them spend more, and the CPU never binds. "
    "More agents, not more rate, would use this container.",
    "one_process": "The thread that all turns of one process share is full while the container has CPUs left: a "
    "second node would use them.",
    "rate": "The highest rate that may be given was reached, and the CPU still did not bind.",
}
STARVED = (
    "The container did not get the CPU of its limit: the thread of its turns could have run, and waited {:.0f} % of "
    "the time for a CPU that others had."
)
METHODS = {"model": "model-based", "classic": "classic", "": "rate held"}


def rate(tokens_per_s: float | None) -> str:
    """62.2, 1,040: tokens per second, three digits."""
    return numerals.price(tokens_per_s)


def took(seconds: float) -> str:
    """69 s, 4 min 30 s."""
    return numerals.duration(round(seconds) * SECOND_NS)


def cpus(count: float) -> str:
    """1 CPU, 0.5 CPUs."""
    return f"{count:g} CPU" if count == 1 else f"{count:g} CPUs"


def spell(method: str) -> str:
    """A method as a person says it."""
    return printable(METHODS.get(method, method))


def printable(text: str) -> str:
    """Somebody else's words without characters that are not for printing."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
