"""Random deeds of agents who know their way about: mostly possible ones, drawn from what there is in the world."""

from collections.abc import Callable

import msgspec

from ecology.core.seeds import Draw
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel.actions import (
    Action,
    AgentConfig,
    Configure,
    Delete,
    Edit,
    Message,
    Query,
    Read,
    Sleep,
    Spawn,
    StatePredicate,
    Subscribe,
    Transfer,
    Unsubscribe,
    Write,
)
from ecology.kernel.world import World
from ecology.resources.assets import ASSETS, DISK
from ecology.testing.worlds import STRATEGIES

EVENT_TYPES = (
    *(
        "agent.state",
        "agent.spawned",
        "artifact.created",
        "artifact.updated",
        "artifact.deleted",
        "artifact.owner",
    ),
    "transfer.posted",
)
UNDER = ("public", "public", "transferable_freeware", "freeware", "private", "self_owned")
WORDS = ("red", "blue", "hammer", "saw", "bread")


class Doer:
    """Draws deeds for the agents of a world."""

    def __init__(self, draw: Draw, world: World) -> None:
        self._draw = draw
        self._world = world

    def deed(self) -> tuple[str, Action]:
        """Who does what."""
        draw = self._draw
        awake = [agent.id for agent in self._world.roster if agent.status != "asleep"]
        who = draw.choice(awake or [self._world.roster[0].id])
        return who, self.deed_of(who)

    def deed_of(self, who: str) -> Action:
        """What an agent does."""
        return self._draw.choice(_KINDS)(self, who)

    def _anybody(self) -> str:
        return self._draw.choice(self._world.roster).id

    def _anything(self) -> str:
        draw = self._draw
        if draw.chance(10):
            return self._anybody()
        page, _ = self._world.shelf.page(type=None, owner=None, words=(), before=None, limit=40)
        made = [artifact.id for artifact in page if artifact.type != "agent"]
        return draw.choice(made) if made and draw.chance(85) else f"thing-{draw.below(200)}"

    def _text(self) -> str:
        return "xé"[self._draw.below(2)] * self._draw.choice((0, 1, 5, 60, 300, 1_500))

    def _title(self) -> str:
        return " ".join(self._draw.choice(WORDS) for _ in range(self._draw.below(4)))

    def _filter(self) -> EventFilter:
        draw = self._draw
        where = {
            0: [],
            1: [Predicate("principal_id", draw.choice(("eq", "ne")), self._anybody())],
            2: [
                Predicate("principal_id", "in", [self._anybody(), None]),
                Predicate("turn_id", "exists", False),
            ],
        }[draw.below(3)]
        return EventFilter(draw.choice(EVENT_TYPES), where)

    def _write(self, who: str) -> Action:
        draw = self._draw
        new = draw.chance(50)
        return Write(
            f"thing-{draw.below(200)}" if new else self._anything(),
            self._text(),
            draw.choice(("text", "tool", "bread")),
            title=self._title(),
            contract=draw.choice((None, *UNDER)),
            depends_on=[self._anybody() for _ in range(draw.below(3))],
            metadata={word: self._title() for word in WORDS[draw.below(5) :]} if draw.chance(30) else None,
            interface={"z": [1, None, {"a": "é"}], "b": draw.below(9)} if draw.chance(20) else None,
        )

    def _edit(self, who: str) -> Action:
        name = self._anything()
        artifact = self._world.shelf.find(name)
        if artifact is None or artifact.format == "bytes" or not artifact.size_bytes:
            return Read(name)
        text = self._world.shelf.contents.get(name).decode()
        return Edit(name, text, self._text()) if text else Read(name)

    def _transfer(self, who: str) -> Action:
        draw = self._draw
        asset = draw.choice(ASSETS)
        has = self._world.available(self._world.agents[who], asset)
        return Transfer(
            self._anybody(), 1 + draw.below(max(1, has // draw.choice((1, 2, 10)))), asset, memo=self._title()
        )

    def _hand_over(self, who: str) -> Action:
        page, _ = self._world.shelf.page(type=None, owner=who, words=(), before=None, limit=10)
        mine = [it.id for it in page if it.contract == "transferable_freeware"]
        return Transfer(self._anybody(), artifact=self._draw.choice(mine) if mine else self._anything())

    def _sleep(self, who: str) -> Action:
        draw = self._draw
        field = draw.choice(("scrip", "disk_free", "llm_tokens", "llm_budget", "inbox"))
        now = self._world.own_value(self._world.agents[who], field, self._world.agents[who].llm.updated_ns)
        until = StatePredicate(field, draw.choice(("ge", "le")), max(0, now + draw.between(-30, 30)))
        return Sleep(
            draw.between(1, 20_000),
            self._filter() if draw.chance(60) else None,
            until if draw.chance(40) else None,
        )

    def _unsubscribe(self, who: str) -> Action:
        mine = self._world.subscriptions.of(self._anybody() if self._draw.chance(20) else who)
        return Unsubscribe(self._draw.choice(mine).subscription_id if mine else "nothing")

    def _config(self) -> AgentConfig:
        draw = self._draw
        return AgentConfig(
            draw.choice(STRATEGIES),
            prompt="p" * draw.below(40),
            traits={word: draw.below(9) for word in WORDS[draw.below(5) :]},
            accepts_from=["*"] if draw.chance(60) else [self._anybody()],
        )

    def _spawn(self, who: str) -> Action:
        draw = self._draw
        endowment = {asset: 1 + draw.below(50) for asset in ASSETS if draw.chance(40)}
        return Spawn(f"child-{draw.below(30)}", self._config(), {**endowment, DISK: 250}, draw.choice(UNDER))

    def _query(self, who: str) -> Action:
        name = self._draw.choice(("artifacts", "principals", "self", "subscriptions", "world"))
        if name == "artifacts" and self._draw.chance(70):
            return Query(name, {"words": self._draw.choice(WORDS), "limit": 1 + self._draw.below(3)})
        return Query(name)

    def _reconfigure(self, who: str) -> Action:
        if self._draw.chance(50):
            return Write(self._anybody(), msgspec.json.encode(self._config()).decode())
        return Configure(accepts_from=["*"], traits={"z": 1, "a": self._draw.below(9)})


_KINDS: tuple[Callable[[Doer, str], Action], ...] = (
    *[Doer._write] * 5,
    *[Doer._transfer] * 4,
    *[Doer._hand_over] * 3,
    *[Doer._sleep] * 3,
    *[Doer._edit] * 2,
    Doer._query,
    Doer._reconfigure,
    Doer._spawn,
    Doer._unsubscribe,
    lambda doer, who: Subscribe(*msgspec.structs.astuple(doer._filter())),
    lambda doer, who: Message(doer._anybody(), doer._title()),
    lambda doer, who: Read(doer._anything()),
    lambda doer, who: Delete(doer._anything()),
)
