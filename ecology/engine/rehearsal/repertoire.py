"""What a rehearsed agent does, turn after turn: it settles in, then goes round a cycle for as long as the world lasts.

The round holds what costs CPU in a world of models: works are written and edited, read and paid for, tools are invoked
that read and write themselves, a contract in code is asked, memories are kept, sought and given up, others are written
to and paid. Nothing grows: works keep their size, and as many memories are given up as are made. Every action follows
from the agent's number and its turn; what was written before is known because the round is known.
"""

from collections.abc import Callable, Sequence
from importlib.resources import files

import msgspec

from ecology import examples
from ecology.core.seeds import Draw
from ecology.events.subscriptions import Predicate
from ecology.kernel.actions import (
    Action,
    Delete,
    Edit,
    Invoke,
    Message,
    Query,
    Read,
    Recall,
    Remember,
    Subscribe,
    Transfer,
    Write,
)

# fmt: off
_WORDS = (
    "water", "stone", "river", "market", "ledger", "winter", "harvest", "bridge", "lantern", "copper", "signal",
    "archive", "measure", "garden", "carrier", "weaver", "harbour", "compass", "timber", "orchard", "mirror",
    "quarry", "thread", "kettle", "meadow", "anchor", "furnace", "parcel", "window", "sparrow", "village",
    "contract", "season", "engine", "pattern", "island",
)
_VERBS = (
    "carries", "measures", "follows", "repairs", "counts", "borrows", "promises", "remembers", "divides",
    "answers",
)
# fmt: on
_SENTENCES = 5
"""Of a work: some four hundred bytes."""

_READ_PRICE = 5
"""What the example `paid_read` asks."""

_USE_PRICE = 1
_NUMBERS = 48
_KEPT_ROUNDS = 6
"""For so many rounds a memory is kept."""

_HERE = files(__name__.rpartition(".")[0])
_SURVEY = _HERE.joinpath("survey.py.txt").read_text("utf-8")
_SURVEY_INTERFACE = msgspec.json.decode(_HERE.joinpath("survey.json").read_bytes(), type=dict[str, object])


class Part(msgspec.Struct, frozen=True):
    """Whose turn it is: an agent, its number, the turn's, and who else there is."""

    name: str
    ordinal: int
    turn: int
    others: Sequence[str]

    def draw(self) -> Draw:
        """This turn's chance."""
        return Draw(self.ordinal, self.turn)

    def other(self) -> str:
        """Somebody else, another one each turn."""
        return self.others[(self.ordinal + self.turn) % len(self.others)]


_Beat = Callable[[Part], Action]


def action(part: Part) -> Action:
    """What is done in this turn."""
    if part.turn < len(_OPENING):
        return _OPENING[part.turn](part)
    return _ROUND[_place(part.ordinal, part.turn)](part)


def _place(ordinal: int, turn: int) -> int:
    """Where in the round a turn is: agents go round it one behind the other, so that dear beats never coincide."""
    return (turn - len(_OPENING) + ordinal * _STRIDE) % len(_ROUND)


def _text(draw: Draw, sentences: int) -> str:
    said = (
        f"The {draw.choice(_WORDS)} {draw.choice(_VERBS)} the {draw.choice(_WORDS)} and the {draw.choice(_WORDS)}"
        f" {draw.choice(_VERBS)} what the {draw.choice(_WORDS)} was."
        for _ in range(sentences)
    )
    return " ".join(said)


# -- works


def _work(owner: str, number: int) -> str:
    return f"{owner}.work.{number}"


def _write_work(number: int, contract: str = "freeware") -> _Beat:
    def beat(part: Part) -> Action:
        draw = part.draw()
        content = f"Written in turn {part.turn}.\n{_text(draw, _SENTENCES)}"
        under = f"{part.name}.gate" if contract == "gate" else contract
        return Write(
            _work(part.name, number), content, type="essay", title=_text(draw, 1)[:60], contract=under
        )

    return beat


def _edit_work(number: int, before: int) -> _Beat:
    """Edit what was written `before` so many turns, or in the opening where the round had not come so far."""

    def beat(part: Part) -> Action:
        written = part.turn - before
        if written < len(_OPENING):
            written = _OPENING_WORKS + number
        return Edit(
            _work(part.name, number),
            old=f"Written in turn {written}.",
            new=f"Edited in turn {part.turn}: {_text(part.draw(), 1)}",
        )

    return beat


def _read_own(number: int) -> _Beat:
    return lambda part: Read(_work(part.name, number))


def _read_other(number: int, price: int | None = None) -> _Beat:
    return lambda part: Read(_work(part.other(), number), max_price=price)


# -- code


def _write_gate(part: Part) -> Action:
    return Write(
        f"{part.name}.gate",
        examples.source("paid_read"),
        type="contract",
        interface=examples.interface("paid_read"),
    )


def _write_median(part: Part) -> Action:
    return Write(
        f"{part.name}.median",
        examples.source("median"),
        type="tool",
        contract=f"pay_per_use({_USE_PRICE})",
        interface=examples.interface("median"),
    )


def _write_outliers(part: Part) -> Action:
    code = examples.source("outliers").replace('MEDIAN = "median"', f'MEDIAN = "{part.name}.median"')
    return Write(f"{part.name}.outliers", code, type="tool", interface=examples.interface("outliers"))


def _write_survey(part: Part) -> Action:
    return Write(f"{part.name}.survey", _SURVEY, type="tool", interface=_SURVEY_INTERFACE)


def _numbers(part: Part) -> dict[str, object]:
    draw = part.draw()
    return {"numbers": [draw.below(10_000) for _ in range(_NUMBERS)]}


def _use_median(part: Part) -> Action:
    return Invoke(f"{part.other()}.median", "median", _numbers(part), max_price=_USE_PRICE)


def _use_outliers(part: Part) -> Action:
    return Invoke(f"{part.other()}.outliers", "outliers", _numbers(part), allowance=2 * _USE_PRICE)


def _use_survey(part: Part) -> Action:
    args: dict[str, object] = {"artifact": _work(part.other(), 0), "into": f"{part.name}.found"}
    return Invoke(f"{part.other()}.survey", "survey", args)


# -- memory


def _remember(part: Part) -> Action:
    return Remember(f"In turn {part.turn}: {_text(part.draw(), 2)}", tags=["turn"])


def _give_up_memory(behind: int) -> _Beat:
    """Delete the memory of `_KEPT_ROUNDS` rounds and `behind` beats ago, whose name is by its turn."""

    def beat(part: Part) -> Action:
        made = part.turn - behind - _KEPT_ROUNDS * len(_ROUND)
        if made < len(_OPENING):
            return Query("self")
        return Delete(f"{part.name[:40]}.memory.{made}")

    return beat


def _write_note(number: int) -> _Beat:
    return lambda part: Write(
        f"{part.name}.note.{number}", _text(part.draw(), 2), type="memory", contract="private"
    )


def _recall(part: Part) -> Action:
    draw = part.draw()
    return Recall(f"the {draw.choice(_WORDS)} and the {draw.choice(_WORDS)}", limit=5)


# -- others


def _message(part: Part) -> Action:
    return Message(part.other(), _text(part.draw(), 2))


def _transfer(part: Part) -> Action:
    return Transfer(part.other(), amount=1, memo=_text(part.draw(), 1)[:80])


def _subscribe(part: Part) -> Action:
    of = part.others[part.ordinal % len(part.others)]
    return Subscribe("artifact.updated", [Predicate("principal_id", "eq", of)])


def _look(part: Part) -> Action:
    return Query("artifacts", {"words": part.draw().choice(_WORDS), "type": "essay", "limit": 5})


def _query(name: str, **args: str | int) -> _Beat:
    return lambda part: Query(name, dict(args))


def _query_tool(part: Part) -> Action:
    return Query("interface", {"id": f"{part.other()}.median"})


_OPENING: tuple[_Beat, ...] = (
    _write_gate,
    _write_median,
    _write_outliers,
    _write_survey,
    _write_work(0),
    _write_work(1),
    _write_work(2),
    _write_work(3, "gate"),
    _write_note(0),
    _write_note(1),
    _subscribe,
)
_OPENING_WORKS = 4
"""The turn in which work 0 is first written; the others follow."""

_STRIDE = 8
"""Beats by which an agent is ahead of the one before it in the round."""

_ROUND: tuple[_Beat, ...] = (
    _write_work(0),
    _read_other(1),
    _recall,
    _use_outliers,
    _edit_work(0, before=4),
    _look,
    _message,
    _use_survey,
    _write_work(1),
    _transfer,
    _remember,
    _read_other(3, _READ_PRICE),
    _use_median,
    _query("self"),
    _edit_work(1, before=6),
    _write_note(0),
    _recall,
    _use_outliers,
    _write_outliers,
    _query("principals", limit=5),
    _write_work(2),
    _read_own(1),
    _use_survey,
    _message,
    _edit_work(2, before=4),
    _query_tool,
    _transfer,
    _use_median,
    _write_work(3, "gate"),
    _read_other(0),
    _recall,
    _give_up_memory(behind=21),
    _edit_work(3, before=4),
    _use_outliers,
    _query("world"),
    _write_gate,
    _read_other(3, _READ_PRICE),
    _write_note(1),
    _use_survey,
    _look,
)
