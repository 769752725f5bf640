"""The programs that toolsmiths know how to write: patterns of executable artifacts, kept as files in `tools`.

A pattern that builds upon another calls it by the name `BASE`, which is set in the first line of each copy: whose tool
it is built upon is the smith's choice, and what that tool asks for is paid from the allowance of whoever calls.
"""

import json
import re
from importlib import resources

import msgspec

PROGRAM = "program"
"""The type of a tool as an artifact; the scripted goods have kinds of their own."""

IMPROVE, MEASURE, APPRAISE = "improve", "measure", "appraise"
"""What tools are called for: to better a draft, to look at a work, to say what goods are worth."""

PURSE = 1_000_000
"""What a tool lets the one below it spend of its caller's allowance, which is the real bound: all of it."""

_PRICE = re.compile(r"pay_per_use\((\d{1,9})\)")
_UPON = re.compile(r" \(upon ([^ ()]{1,64})\)$")


class Pattern(msgspec.Struct, frozen=True):
    """A kind of tool: its name, what it is called for, and the kind it is built upon, if any."""

    family: str
    method: str
    source: str
    interface: dict[str, object]
    base: str = ""

    def program(self, base: str) -> str:
        """The source of a copy; `base` is the tool that it is built upon."""
        return f'BASE, PURSE = "{base}", {PURSE}\n\n\n{self.source}' if self.base else self.source

    @property
    def layers(self) -> int:
        """How many tools are at work when it is called, itself included."""
        return 1 + PATTERNS[self.base].layers if self.base else 1

    def title(self, base: str) -> str:
        """What searchers see: the family, what the tool does, and whose tool it will have to be paid besides."""
        upon = f" (upon {base})" if self.base else ""
        return f"{self.family}: {self.interface['description']}{upon}"


def _pattern(family: str, base: str = "") -> Pattern:
    folder = resources.files("ecology.engine.strategies").joinpath("tools")
    interface = json.loads(folder.joinpath(f"{family}.json").read_text("utf-8"))
    (method,) = interface["methods"]
    return Pattern(family, method, folder.joinpath(f"{family}.py.txt").read_text("utf-8"), interface, base)


PATTERNS: dict[str, Pattern] = {
    pattern.family: pattern
    for pattern in (
        _pattern("tidy"),
        _pattern("quotes"),
        _pattern("statistics"),
        _pattern("editor", base="tidy"),
        _pattern("appraiser", base="quotes"),
        _pattern("press", base="editor"),
    )
}


def families(method: str) -> list[str]:
    """The kinds of tools that can be called for something."""
    return [pattern.family for pattern in PATTERNS.values() if pattern.method == method]


def base_of(title: str) -> str:
    """The tool that a tool says it is built upon, or nothing."""
    match = _UPON.search(title)
    return match[1] if match is not None else ""


def price_of(contract: str) -> int | None:
    """What a tool asks per use, as its contract says: 0 for the free ones, None where only its code knows."""
    match = _PRICE.fullmatch(contract)
    if match is not None:
        return int(match[1])
    return 0 if contract in ("freeware", "public", "transferable_freeware") else None
