"""What code can ask of the kernel. Every request is an action like an agent's own and goes the same way.

Code acts as its executable where that has standing, else as its caller; then it has the caller's purse and no more: it
pays out of the allowance, gives away nothing else, and changes nothing that acts or decides in its turn: no agent, no
account, no code but itself. Arguments come from the sandbox as plain JSON of any form, so types are checked here. What
is refused is an exception to the code.
"""

from collections.abc import Mapping

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.core.clock import MILLISECOND_NS
from ecology.core.outcome import Refused
from ecology.core.seeds import Draw
from ecology.events.economy import CodeLogged
from ecology.kernel import refusals
from ecology.kernel.actions import Action, Invoke, Query, Read, Transfer, Write
from ecology.kernel.batch import Turn
from ecology.kernel.world import World
from ecology.resources.assets import SCRIP
from ecology.sandbox.doors import Function
from ecology.sandbox.outcome import Refusal
from ecology.sandbox.values import NotJson, plain

MAX_LOG_BYTES = 200
MAX_LOGS = 10

_FLOAT_BITS = 53
_ABOUT_ONESELF = ("self", "subscriptions", "delegations")


class KernelFunctions:
    """The functions of one run of `executable`; `turn` says on whose behalf."""

    __slots__ = ("_draw", "_executable", "_logs", "_turn", "_world")

    def __init__(self, world: World, turn: Turn, executable: Artifact, draw: Draw) -> None:
        self._world = world
        self._turn = turn
        self._executable = executable
        self._draw = draw
        self._logs = 0

    def of_method(self) -> Mapping[str, Function]:
        """By the names under which an invoked method knows them."""
        return {
            "read": self.read,
            "write": self.write,
            "invoke": self.invoke,
            "transfer": self.transfer,
            "query": self.query,
            "now": self.now,
            "random": self.random,
            "log": self.log,
        }

    def of_check(self) -> Mapping[str, Function]:
        """By name, for a contract's check: it looks, and changes nothing."""
        return {
            "read": self.look,
            "query": self.query,
            "now": self.now,
            "random": self.random,
        }

    def read(self, artifact: object, offset: object = 0, max_price: object = None) -> object:
        """An artifact's card with a piece of its content, as the action `read`."""
        return self._done(Read, artifact=artifact, offset=offset, max_price=max_price)

    def look(self, artifact: object, offset: object = 0) -> object:
        """`read` of what costs nothing."""
        return self._done(Read, artifact=artifact, offset=offset, max_price=0)

    def write(self, artifact: object, content: object, **fields: object) -> object:
        """Create or replace an artifact; the fields are those of the action, without `standing`."""
        if "standing" in fields:
            raise Refusal(refusals.NOT_PERMITTED, "code gives no standing")
        if self._turn.purse is not None and isinstance(artifact, str):
            found = self._world.shelf.find(artifact)
            if found is not None and found.permanent:
                raise Refusal(
                    refusals.IS_PRINCIPAL, "code changes no agent and no account in its caller's name"
                )
            if found is not None and (found.executable or fields.get("interface") is not None):
                if found is not self._executable:
                    raise Refusal(refusals.NOT_PERMITTED, "in its caller's name code changes no other code")
            if self._gives_away(artifact, found, fields.get("contract")):
                raise Refusal(
                    refusals.NOT_PERMITTED, "in its caller's name code decides on nobody's say in a thing"
                )
        return self._done(Write, artifact=artifact, content=content, **fields)

    def _gives_away(self, name: str, found: Artifact | None, contract: object) -> bool:
        """Whether the caller would lose its say in an artifact: a contract can hand it to anybody, or to nobody."""
        if not isinstance(contract, str):
            return False
        if found is not None:
            return contract != found.contract
        code = isinstance(self._world.contracts.resolve(contract), Artifact)
        return code or contract in ("self_owned", name)

    def invoke(
        self,
        artifact: object,
        method: object = "run",
        args: object = None,
        max_price: object = None,
        allowance: object = 0,
    ) -> object:
        """What a method of another executable returns."""
        data = self._done(
            Invoke,
            artifact=artifact,
            method=method,
            args={} if args is None else args,
            max_price=max_price,
            allowance=allowance,
        )
        return data["result"]

    def transfer(
        self,
        to: object,
        amount: object = 0,
        asset: object = SCRIP,
        memo: object = "",
        artifact: object = None,
    ) -> object:
        """Give an amount of an asset, or an artifact."""
        purse = self._turn.purse
        if purse is not None:
            if artifact is not None or asset != SCRIP:
                raise Refusal(
                    refusals.NOT_PERMITTED, "in its caller's name code moves scrip and nothing else"
                )
            if isinstance(amount, int) and amount > purse.left:
                raise Refusal(refusals.ALLOWANCE_SPENT, f"{purse.left} scrip may still be moved")
        data = self._done(Transfer, to=to, amount=amount, asset=asset, memo=memo, artifact=artifact)
        if purse is not None:
            assert isinstance(amount, int)
            purse.spend(amount)
        return data

    def query(self, name: object, args: object = None) -> object:
        """Kernel state by name, as the action `query`."""
        if self._turn.looking and name in _ABOUT_ONESELF:
            raise Refusal(refusals.NOT_PERMITTED, "a check has no self to ask about")
        data = self._done(Query, name=name, args={} if args is None else args)
        try:
            return plain(data)  # an interface may hold what only its author thought was JSON
        except NotJson as error:
            raise Refusal(refusals.TOO_LARGE, f"the answer cannot be handed to code: {error}") from None

    def now(self) -> int:
        """World time in milliseconds."""
        return self._turn.now_ns // MILLISECOND_NS

    def random(self) -> float:
        """A number in [0, 1), the same wherever and whenever this turn is played."""
        return (self._draw.bits() >> (64 - _FLOAT_BITS)) / (1 << _FLOAT_BITS)

    def log(self, text: object) -> None:
        """Say something to whoever observes the world; it stands if the run does."""
        if not isinstance(text, str):
            raise Refusal(refusals.ARGUMENT_INVALID, "what is logged is text")
        if len(text.encode()) > MAX_LOG_BYTES:
            raise Refusal(refusals.TOO_LARGE, f"at most {MAX_LOG_BYTES} bytes are logged at a time")
        if self._logs == MAX_LOGS:
            raise Refusal(refusals.TOO_MANY, f"a run logs at most {MAX_LOGS} times")
        self._logs += 1
        log = self._world.log
        log.append(
            CodeLogged(
                sequence=log.next_sequence,
                time_ns=self._turn.now_ns,
                principal_id=self._turn.actor.id,
                turn_id=self._turn.id,
                artifact_id=self._executable.id,
                text=text,
            )
        )

    def _done(self, kind: type[Action], **fields: object) -> dict[str, object]:
        try:
            action: Action = msgspec.convert(fields, kind)
        except msgspec.ValidationError as error:
            raise Refusal(refusals.MALFORMED, str(error)) from None
        outcome = self._world.act(self._turn, action)
        if isinstance(outcome, Refused):
            raise Refusal(outcome.reason, outcome.detail)
        return outcome.data
