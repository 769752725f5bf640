#!/usr/bin/env python3
"""What memories cost, and how well the lexical embedding finds them. Run it with `make bench`.

Recall@1: of texts whose words were dropped at random, one in two, how many still find the text they came from first.
Upserts are of points made beforehand; a recall is the whole question: embed, search exactly within one tenant, order.
"""

import argparse
import contextlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ecology.core.seeds import Draw
from ecology.kernel.actions import Noop, Recall, Remember
from ecology.memory.index import Point
from ecology.memory.lexical import Lexical
from ecology.memory.qdrant_edge import QdrantEdge
from ecology.memory.vectors import quantised
from ecology.testing.worlds import Stage

WORDS_EACH = 12
VOCABULARY = 5_000
BATCH = 256
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"


def vocabulary(draw: Draw) -> list[str]:
    """Made-up words of two to four syllables: alike as words are, and nobody's language."""
    return [
        "".join(
            _CONSONANTS[draw.below(len(_CONSONANTS))] + _VOWELS[draw.below(len(_VOWELS))]
            for _ in range(draw.between(2, 4))
        )
        for _ in range(VOCABULARY)
    ]


def sentences(draw: Draw, count: int) -> list[str]:
    """Texts of so many words each; frequent words are frequent, as in any language."""
    known = vocabulary(draw)
    return [
        " ".join(known[draw.below(1 + draw.below(VOCABULARY))] for _ in range(WORDS_EACH))
        for _ in range(count)
    ]


def half_dropped(draw: Draw, text: str) -> str:
    """Every second of its words, on average, and at least one."""
    words = text.split()
    return " ".join(word for word in words if draw.below(2)) or words[0]


@contextlib.contextmanager
def index() -> Iterator[QdrantEdge]:
    """An embedded index in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="bench-memory-"))
    try:
        opened = QdrantEdge.open(folder / "index", Lexical.dimension, Lexical.name)
        yield opened
        opened.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bench_index(texts: list[str], tenants: int) -> None:
    """Embedding, upserts and searches, each by itself."""
    embedding = Lexical()
    began = time.perf_counter()
    vectors = [
        vector
        for start in range(0, len(texts), BATCH)
        for vector in quantised(embedding.embed(texts[start : start + BATCH]))
    ]
    _print("embedded", len(texts) / (time.perf_counter() - began), "texts/s")
    points = [
        Point(f"m{number}", (f"t{number % tenants}",), number, "1", vector)
        for number, vector in enumerate(vectors)
    ]
    with index() as opened:
        began = time.perf_counter()
        for start in range(0, len(points), BATCH):
            opened.upsert(points[start : start + BATCH])
        _print("upserts", len(points) / (time.perf_counter() - began), f"/s in batches of {BATCH}")
        draw = Draw(3)
        searched, found, spent = min(1_000, len(texts)), 0, []
        for _ in range(searched):
            number = draw.below(len(texts))
            question = half_dropped(draw, texts[number])
            began = time.perf_counter()
            (vector,) = quantised(embedding.embed([question]))
            hits = opened.search(f"t{number % tenants}", vector, 10)
            spent.append(time.perf_counter() - began)
            found += hits[0].id == f"m{number}"
        each = len(texts) // tenants
        _print("queries", searched / sum(spent), f"/s, the median in {statistics.median(spent) * 1e3:.2f} ms")
        _print("recall@1", found / searched, f"on half-dropped words among {each} memories of a tenant")


def bench_kernel(texts: list[str]) -> None:
    """The two actions as agents take them, and one that does nothing for comparison."""
    stage = Stage.of(1, {**_plenty()})
    for name, actions in (
        ("noop", [Noop()] * len(texts)),
        ("remember", [Remember(text) for text in texts]),
        ("recall, the first", [Recall(texts[0])]),
        ("recall, each", [Recall(text) for text in islice(texts, 500)]),
        ("remember and recall", [it for text in texts[:500] for it in (Remember(text), Recall(text))]),
    ):
        began = time.perf_counter()
        for action in actions:
            stage.do("agent-0001", action)
        _print(name, (time.perf_counter() - began) / len(actions) * 1e6, "µs each")
    stage.world.memory.abandon()


def _plenty() -> dict[str, int]:
    from ecology.resources.assets import DISK
    from ecology.testing.worlds import GRANTS

    return {**GRANTS, DISK: 10**9}


def _print(name: str, figure: float, unit: str) -> None:
    print(f"{name:22} {figure:12,.2f} {unit}")


def main() -> None:
    """All figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memories", type=int, default=20_000)
    parser.add_argument("--tenants", type=int, default=20)
    asked = parser.parse_args()
    texts = sentences(Draw(1), asked.memories)
    print(f"{asked.memories} memories of {WORDS_EACH} words, {asked.tenants} tenants, {Lexical.name}")
    bench_index(texts, asked.tenants)
    bench_kernel(texts[:5_000])


if __name__ == "__main__":
    main()
