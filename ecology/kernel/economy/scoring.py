"""What a scorer is shown, what it answers, and the door that checks its answer.

A scorer says what a winning artifact is worth to the mint: 0 to 100. One that is brought by somebody else may raise,
or answer with anything; then the bid has no score, nobody pays, and the world goes on.
"""

from typing import Protocol

import msgspec

DETAIL_BYTES = 200
HIGHEST = 100


class Submission(msgspec.Struct, frozen=True):
    """An artifact that won a slot, as it was when its bid was placed. Everything in it is its author's hostile data.

    `users` other families have read, invoked or built upon it. `similarity` (0 to 100) says how much of it is in the
    artifact `similar_to`, the most alike of the works that were submitted before.
    """

    artifact: str
    revision: int
    bidder: str
    type: str
    format: str
    title: str
    depends_on: tuple[str, ...]
    metadata: dict[str, str]
    interface: dict[str, object] | None
    content: bytes
    users: int
    similarity: int
    similar_to: str


class Score(msgspec.Struct, frozen=True):
    """A scorer's answer: `value` is 0 to 100, `detail` one public line about how it came about."""

    value: int
    detail: str = ""


class Unscored(msgspec.Struct, frozen=True):
    """There is no score: why, in one public line."""

    why: str


Verdict = Score | Unscored


class Scorer(Protocol):
    """Scores at once, inside the resolution: a function of the submission and of nothing else, and quick.

    What waits for something (a model) is an `ecology.engine.judging.SlowScorer`.
    """

    slow: bool
    """False."""

    def score(self, submission: Submission) -> Score:
        """What the artifact is worth. May raise: then the bid has no score."""


def verdict_of(scorer: Scorer, submission: Submission) -> Verdict:
    """The scorer's answer, checked; whatever it gets wrong is the want of a score."""
    try:
        answer: object = scorer.score(submission)
    except (Exception, SystemExit) as error:  # nobody's scorer ends the world
        return broken(error)
    return checked(answer)


def broken(error: BaseException) -> Unscored:
    """What the world is told of a scorer that raised; the traceback is the observer's."""
    return Unscored(f"the scorer failed: {type(error).__name__}"[:DETAIL_BYTES])


def checked(answer: object) -> Verdict:
    """An answer as if it had come over a wire: a struct built in Python carries whatever it was given."""
    if isinstance(answer, Unscored):
        return Unscored(plain(answer.why) or "no score")
    if not isinstance(answer, Score):
        return Unscored(f"the scorer answered {type(answer).__name__}, no score"[:DETAIL_BYTES])
    value: object = answer.value
    if type(value) is not int or not 0 <= value <= HIGHEST:
        return Unscored(f"a score is a whole number from 0 to {HIGHEST}")
    return Score(value, plain(answer.detail))


def plain(text: object) -> str:
    """Somebody's words as one line of valid Unicode of at most DETAIL_BYTES; what is no text is no word."""
    if not isinstance(text, str):
        return ""
    line = " ".join(text[: 4 * DETAIL_BYTES].split())
    shown = "".join(mark if mark.isprintable() else "?" for mark in line)
    return shown.encode("utf-8", "replace")[:DETAIL_BYTES].decode("utf-8", "ignore")
