"""The protocol of an embedding: texts in, vectors out, alike for texts that are alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]
    """One row for each text."""


class Embedding(Protocol):
    """Makes vectors of texts. Vectors of different embeddings have nothing to do with one another."""

    @property
    def name(self) -> str:
        """Names the embedding and all that its vectors depend on, in letters, digits and hyphens. Raises as below."""

    @property
    def dimension(self) -> int:
        """Components of each vector. Raises ModelFault where only a server knows, and does not answer."""

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """One row of any length for each text. Raises ModelFault where a server does not answer."""
