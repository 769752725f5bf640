"""Embeddings from any server with `/v1/embeddings`, over the vendor's own client.

Asked within a recall, while the world stands still: so with one deadline, without repetition, and in batches. A failure
is a ModelError, and whoever asked goes on without.
"""

import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx2
import msgspec
import numpy as np
import openai

from ecology.llm import vendor_errors
from ecology.llm.errors import ModelError, ModelNonsense, ModelRefused, quote
from ecology.llm.http_client import CONNECT_TIMEOUT_S, is_loopback, parse_url
from ecology.llm.key import ApiKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIMEOUT_S = 5.0
_BATCH = 64
_NO_KEY = "none"
_REMEDY = "check EMBEDDINGS_URL, which usually ends in /v1, EMBEDDINGS_MODEL and the server's log"


class _Embedded(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Embedded]


_decode = msgspec.json.Decoder(_Answer).decode


class OpenAIEmbeddings:
    """An embedding by `model` at `url`. Raises UsageError for a URL that is none."""

    def __init__(self, url: str, model: str, api_key: ApiKey | None = None) -> None:
        base_url, self._url = parse_url(url)
        self._model = model
        self._api_key = api_key
        self._dimension = 0
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key=_NO_KEY if api_key is None else api_key.reveal(),
            max_retries=0,
            http_client=httpx2.Client(
                timeout=httpx2.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                trust_env=not is_loopback(base_url),
                verify=ssl.create_default_context(),
            ),
        )

    @property
    def dimension(self) -> int:
        """Components of each vector, which only the server knows. Raises ModelError if it does not say."""
        if not self._dimension:
            self._dimension = len(self._ask(["dimension"])[0])
        return self._dimension

    @property
    def name(self) -> str:
        """The model's name as it may stand in the name of a collection, and the dimension."""
        plain = "".join(mark if mark.isalnum() and mark.isascii() else "-" for mark in self._model.lower())
        return f"{plain[:80]}-{self.dimension}"

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float64]":
        """One row for each text. Raises ModelError."""
        rows: list[list[float]] = []
        for start in range(0, len(texts), _BATCH):
            rows.extend(self._ask(texts[start : start + _BATCH]))
        vectors = np.array(rows, dtype=np.float64)
        if vectors.shape != (len(texts), self.dimension) or not np.isfinite(vectors).all():
            raise ModelNonsense(
                f"{self._url} gives vectors of several lengths, or of no numbers", remedy=_REMEDY
            )
        return vectors

    def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        body = msgspec.json.encode({"model": self._model, "input": texts, "encoding_format": "float"})
        try:
            response = self._client.post("/embeddings", cast_to=httpx2.Response, content=body)
            answer = _decode(response.content)
        except openai.APIStatusError as error:
            raise self._explain(error) from None
        except openai.APIConnectionError as error:
            raise vendor_errors.from_connection(error, self._url) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ModelNonsense(
                f"{self._url} answers no embeddings ({quote(str(error))})", remedy=_REMEDY
            ) from None
        vectors = [it.embedding for it in sorted(answer.data, key=lambda it: it.index)]
        if len(vectors) != len(texts) or not all(vectors):
            raise ModelNonsense(
                f"{self._url} gives {len(vectors)} vectors for {len(texts)} texts", remedy=_REMEDY
            )
        return vectors

    def _explain(self, error: openai.APIStatusError) -> ModelError:
        said = vendor_errors.words(error, self._api_key)
        return ModelRefused(f"{self._url} gives no embeddings ({error.status_code}: {said})", remedy=_REMEDY)
