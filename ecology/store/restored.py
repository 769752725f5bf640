"""A world put together again from its rows, wherever they are kept."""

from collections.abc import Callable, Iterable, Sequence

from ecology.artifacts.contents import Contents
from ecology.artifacts.shelf import Shelf
from ecology.events.log import EventLog
from ecology.events.subscriptions import Subscriptions
from ecology.kernel.contracts import ContractBook
from ecology.kernel.laws import Laws
from ecology.kernel.world import World
from ecology.store import rows
from ledger import Book

LoadContent = Callable[[str], bytes]


def empty_world(
    content: LoadContent,
    *,
    seed: int,
    default_contract: str,
    laws: Laws | None = None,
    book: Book | None = None,
    last_sequence: int = 0,
) -> World:
    """A world without anybody, of which committed contents are read by `content`."""
    return World(
        book=book or Book(),
        shelf=Shelf(Contents(content)),
        log=EventLog(last_sequence + 1),
        subscriptions=Subscriptions(),
        contracts=ContractBook(default_contract),
        seed=seed,
        laws=laws,
    )


class Restored:
    """Takes rows in this order: artifacts, records and subscriptions, agents; `world` is whole after these.

    Rows may come in pieces, each kind in the order of the statements that read it. Raises msgspec.DecodeError,
    LookupError, ValueError or AssertionError for rows that make no world.
    """

    def __init__(
        self,
        content: LoadContent,
        *,
        book: Book,
        last_sequence: int,
        seed: int,
        default_contract: str,
        laws: Laws | None,
    ) -> None:
        self.world = empty_world(
            content,
            seed=seed,
            default_contract=default_contract,
            laws=laws,
            book=book,
            last_sequence=last_sequence,
        )
        self._registers = {register.kind: register for register in self.world.registers}

    @property
    def kinds(self) -> list[str]:
        """The kinds of records, in the order of the world's registers."""
        return list(self._registers)

    def artifacts(self, found: Iterable[rows.Row]) -> None:
        """Rows of `artifacts` without contents, by creation."""
        restore = self.world.shelf.restore
        for row in found:
            restore(rows.artifact_of(row))

    def records(self, kind: str, bodies: Iterable[bytes]) -> None:
        """Bodies of one kind in `registers`, by id."""
        restore = self._registers[kind].restore
        for body in bodies:
            restore(body)

    def subscriptions(self, found: Iterable[rows.Row]) -> None:
        """Rows of `subscriptions`, by place."""
        for row in found:
            self.world.subscriptions.add(rows.subscription_of(row))

    def wanted(self, agent_rows: Iterable[rows.Row]) -> list[int]:
        """The sequences of the events that the agents have not been shown yet."""
        return sorted({sequence for row in agent_rows for sequence in rows.inbox_sequences(row)})

    def agents(self, agent_rows: Sequence[rows.Row], told: Iterable[rows.Row]) -> None:
        """All rows of `agents` with their artifacts' contents, by ordinal, and the (sequence, body) of `wanted`."""
        world = self.world
        events = {sequence: rows.event_of(body) for sequence, body in told}
        for row in agent_rows:
            inbox = [events[sequence] for sequence in rows.inbox_sequences(row)]
            accounts = world.open_accounts(str(row[1]))
            world.readmit(rows.agent_of(row, accounts, inbox))
        world.readmit_accounts()
