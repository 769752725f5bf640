"""A stage on which the worked examples are put up and tried, with agents who know their names."""

from collections.abc import Iterator
from contextlib import contextmanager

from ecology import examples
from ecology.kernel.actions import Transfer, Write
from ecology.resources.assets import SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import Stage

ANN, BEN, CAT, DAN = (f"agent-000{number}" for number in (1, 2, 3, 4))


class Gallery(Stage):
    """Worked examples as artifacts of their own names."""

    def publish(
        self,
        author: str,
        name: str,
        contract: str | None = None,
        *,
        type: str = "program",
        standing: bool = False,
    ) -> None:
        """Write an example; `contract` None leaves it to the world's default."""
        self.do(
            author,
            Write(
                name,
                examples.source(name),
                type=type,
                contract=contract,
                interface=examples.interface(name),
                standing=standing,
            ),
        )

    def code(self, author: str, name: str, source: str, *methods: str, contract: str | None = None) -> None:
        """Write a program of somebody's own whose methods take anything."""
        interface: dict[str, object] = {"methods": {method: {} for method in methods}}
        self.do(author, Write(name, source, type="program", contract=contract, interface=interface))

    def scrip(self, name: str) -> int:
        """What a principal can spend."""
        return self.world.available(self.world.principals[name], SCRIP)

    def give(self, giver: str, receiver: str, amount: int, asset: str = SCRIP) -> None:
        """Hand over an amount."""
        self.do(giver, Transfer(to=receiver, amount=amount, asset=asset))

    def state_of(self, artifact: str) -> str:
        """What the artifact's contract remembers about it."""
        found = self.world.shelf.find(artifact)
        assert found is not None
        return found.contract_state


@contextmanager
def gallery(agents: int = 4) -> Iterator[Gallery]:
    """A stage that must be in order when it is left: money and rights conserved, quotas kept."""
    stage = Gallery.of(agents)
    assert isinstance(stage, Gallery)
    supply = stage.world.supply(SCRIP)
    yield stage
    assert broken_laws(stage.world) == []
    assert stage.world.supply(SCRIP) == supply
