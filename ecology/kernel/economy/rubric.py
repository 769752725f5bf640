"""The mint's own scorer: what a work is worth by what can be counted, the same on every machine.

    score = novelty × (WORTH + use + interface) ÷ 100

- *novelty*, 0 to 100: 100 less the similarity to the most alike of the works submitted before (see `novelty`). It is a
  factor and no summand: a copy is worth nothing however well it is described and liked, or it would be minted for
  ever.
- WORTH, 40: of a new work that nobody has used and that nothing describes.
- *use*, 0 to 30: 30 × (1 − 2^(−n/4)), rounded down, for n other families that used it: 4 make half of it, 8 three
  quarters.
- *interface*, 0 to 30: the share of the marks below that it bears.

An executable bears a mark for the description of its interface, and for each method five: it is described; its
arguments have a schema; each argument is described; there are examples of them; its result has a schema. (What takes
no arguments needs no description or example of any.) Anything else bears a mark for a title, for metadata, for a type
other than the default, for an interface that says what is in it, and for being at least 256 bytes long.
"""

from ecology.kernel.economy.scoring import HIGHEST, Score, Submission

WORTH = 40
MOST_FOR_USE = 30
MOST_FOR_INTERFACE = 30
LEAST_BYTES = 256
LEAST_WORDING = 8
"""Characters that a title or a description has at least."""

_DEFAULT_TYPE = "text"


class Rubric:
    """Scores by novelty, use by others and interface."""

    slow = False

    def score(self, submission: Submission) -> Score:
        """The formula of this module; a work without content has none."""
        novelty = HIGHEST - submission.similarity if submission.content else 0
        use, interface = use_points(submission.users), interface_points(submission)
        value = novelty * (WORTH + use + interface) // HIGHEST
        likeness = f" (like {submission.similar_to})" if submission.similarity else ""
        return Score(
            value,
            f"novelty {novelty} %{likeness} of {WORTH} + use {use}/{MOST_FOR_USE}"
            f" + interface {interface}/{MOST_FOR_INTERFACE}",
        )


def use_points(users: int) -> int:
    """30 × (1 − 2^(−users/4)), rounded down."""
    # What is missing is the least m with m ≥ 30 × 2^(−users/4), and that can be asked without fractions.
    return MOST_FOR_USE - next(m for m in range(MOST_FOR_USE + 1) if m**4 << users >= MOST_FOR_USE**4)


def interface_points(submission: Submission) -> int:
    """The share of the marks that a work bears, of 30."""
    methods = _mapping(_mapping(submission.interface).get("methods"))
    marks = _method_marks(submission.interface, methods) if methods else _data_marks(submission)
    return MOST_FOR_INTERFACE * sum(marks) // len(marks)


def _data_marks(submission: Submission) -> list[bool]:
    return [
        _is_wording(submission.title),
        bool(submission.metadata),
        submission.type != _DEFAULT_TYPE,
        _is_wording(_mapping(submission.interface).get("description")),
        len(submission.content) >= LEAST_BYTES,
    ]


def _method_marks(interface: object, methods: dict[str, object]) -> list[bool]:
    marks = [_is_wording(_mapping(interface).get("description"))]
    for method in methods.values():
        described = _mapping(method)
        schema = _mapping(described.get("args"))
        arguments = _mapping(schema.get("properties")).values()
        marks += [
            _is_wording(described.get("description")),
            bool(schema),
            bool(schema) and all(_is_wording(_mapping(it).get("description")) for it in arguments),
            bool(schema) and (not arguments or _has_examples(schema) or all(map(_has_examples, arguments))),
            bool(_mapping(described.get("returns"))),
        ]
    return marks


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _has_examples(schema: object) -> bool:
    examples = _mapping(schema).get("examples")
    return isinstance(examples, list) and bool(examples)


def _is_wording(text: object) -> bool:
    return isinstance(text, str) and len(text.strip()) >= LEAST_WORDING
