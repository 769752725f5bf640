"""A mind that is a model: what it makes of answers, good and bad, and what each costs."""

import asyncio
from collections.abc import Iterator

import pytest

from ecology.core.outcome import Committed, Refused
from ecology.engine.observation import Observation
from ecology.engine.policy import Policy, Thought
from ecology.kernel import refusals
from ecology.kernel.actions import AgentConfig, Message, Noop, Read, Transfer, Write
from ecology.llm.errors import ModelError, ModelNonsense, ModelRefused, ModelUnreachable, PromptTooLong
from ecology.llm.model import ModelReply, ModelRequest
from ecology.testing.scripted_model import ScriptedModel
from ecology.testing.worlds import Stage
from tests.support.thinkers import llm

CONFIG = AgentConfig(strategy="llm", model="asked")
NOOP = '{"action": "noop"}'


def says(*answers: str | ModelError) -> ScriptedModel:
    """A model that gives these answers in turn and has no others."""
    left: Iterator[str | ModelError] = iter(answers)
    return ScriptedModel(lambda request: next(left))


def mind(model: ScriptedModel, dumped: bytes = b"", config: AgentConfig = CONFIG) -> Policy:
    return llm(model)(config, dumped)


def look(stage: Stage | None = None) -> Observation:
    stage = stage or Stage.of()
    return Observation(stage.world, stage.agent("agent-0001"), stage.now_ns)


def think(policy: Policy, view: Observation | None = None) -> Thought:
    return asyncio.run(policy.decide(view or look()))


def test_an_answer_is_an_action_and_its_tokens() -> None:
    model = says('{"action": "read", "artifact": "map"}')
    thought = think(mind(model))
    assert thought.action == Read("map")
    assert thought.use is not None
    assert (thought.use.model, thought.use.answer, thought.use.retry) == ("scripted", "ok", False)
    asked = model.estimate_input_tokens(model.asked[0])
    assert (thought.input_tokens, thought.output_tokens) == (asked, 10)
    assert (thought.use.input_tokens, thought.use.output_tokens) == (asked, 10)


@pytest.mark.parametrize(
    "answer",
    [
        '```json\n{"action": "message", "to": "b", "text": "a b"}\n```',
        '```\n{"action": "message", "to": "b", "text": "a b"}\n```\n',
        'Certainly! Here it is:\n{"action": "message", "to": "b", "text": "a b"}\nI hope this helps.',
        '{"action": "message", "to": "b", "text": "a\nb"}',
        '{"action": "message",\n\t"to": "b",\r\n"text": "a\x00b"}',
        '\ufeff {"text": "a\\u0020b", "to": "b", "action": "message"}  ',
    ],
)
def test_what_models_put_around_and_into_json_does_not_matter(answer: str) -> None:
    model = says(answer)
    thought = think(mind(model))
    assert thought.action == Message("b", "a b")
    assert len(model.asked) == 1


def test_a_malformed_answer_is_repaired_once_and_both_calls_are_paid() -> None:
    model = says('{"action": "read"}', NOOP)
    thought = think(mind(model))
    assert thought.action == Noop()
    assert thought.use is not None
    assert thought.use.answer == "repaired"
    first, second = model.asked
    assert thought.input_tokens == sum(map(model.estimate_input_tokens, (first, second)))
    assert thought.output_tokens == 5 + 5
    assert (second.system, second.user, second.schema) == (first.system, first.user, first.schema)
    said, complaint = second.follow_up
    assert (said.role, said.text) == ("assistant", '{"action": "read"}')
    assert complaint.role == "user"
    assert "missing required field `artifact`" in complaint.text


def test_twice_malformed_is_a_refusal_that_the_agent_reads() -> None:
    model = says("no", "never", NOOP)
    policy = mind(model)
    thought = think(policy)
    assert isinstance(thought.action, Refused)
    assert thought.action.reason == refusals.UNPARSABLE
    assert thought.use is not None
    assert thought.use.answer == "unparsable"
    assert thought.input_tokens == sum(map(model.estimate_input_tokens, model.asked))
    assert thought.output_tokens == 1 + 2
    policy.learn(None, thought.action)
    think(policy)
    assert f"(no action) -> refused, model_unparsable: {thought.action.detail}" in model.asked[2].user


def test_nothing_said_is_no_action() -> None:
    model = says("", NOOP)
    assert think(mind(model)).action == Noop()
    assert model.asked[1].follow_up[0].text == "(nothing)"


class _Terse(ScriptedModel):
    """Says more than it may, every time, under a name without end."""

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request)
        return ModelReply('{"action": "write", "content": "aaaa', 9, 5, "m\n" * 500_000, truncated=True)


def test_a_cut_answer_is_told_so() -> None:
    model = _Terse(lambda request: "")
    thought = think(mind(model))
    assert isinstance(thought.action, Refused)
    assert "it was cut off, an answer has at most 200 tokens" in model.asked[1].follow_up[1].text


def test_a_server_s_name_for_its_model_is_bounded() -> None:
    use = think(mind(_Terse(lambda request: ""))).use
    assert use is not None
    assert len(use.model.encode()) <= 100
    assert use.model.isprintable()


def test_an_unreachable_model_costs_nothing_and_is_tried_again() -> None:
    thought = think(mind(says(ModelUnreachable("nobody there"))))
    assert thought.action == Refused(refusals.UNREACHABLE_MODEL, "nobody there")
    assert thought.use is not None
    assert (thought.use.answer, thought.use.retry, thought.use.model) == ("unreachable", True, "asked")
    assert (thought.input_tokens, thought.output_tokens) == (0, 0)


def test_what_was_billed_before_the_model_went_away_stays_billed() -> None:
    model = says("no", ModelUnreachable("gone"))
    thought = think(mind(model))
    assert thought.use is not None
    assert thought.use.retry
    assert thought.input_tokens == model.estimate_input_tokens(model.asked[0])
    assert thought.output_tokens == 1


UNCOUNTED = [
    ModelUnreachable("no answer in time", billed=True),
    ModelNonsense("a page", billed=True),
]


@pytest.mark.parametrize("error", UNCOUNTED, ids=lambda error: type(error).__name__)
def test_a_failed_call_that_may_be_billed_is_taken_at_its_worst(error: ModelError) -> None:
    model = says(error)
    thought = think(mind(model))
    assert thought.input_tokens == model.estimate_input_tokens(model.asked[0])
    assert thought.output_tokens == model.asked[0].max_output_tokens == 200


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (ModelRefused("wrong key"), (0, 0)),
        (PromptTooLong("too long"), (0, 0)),
        (ModelNonsense("a login page"), (0, 0)),
        (ModelNonsense("half a completion", billed=True, input_tokens=7, output_tokens=3), (7, 3)),
        (ModelRefused("filtered", billed=True, input_tokens=7, output_tokens=0), (7, 0)),
        (ModelRefused("not billed", input_tokens=7, output_tokens=3), (0, 0)),
    ],
    ids=str,
)
def test_a_model_that_says_no_is_read_and_paid_as_it_billed(
    error: ModelError, billed: tuple[int, int]
) -> None:
    thought = think(mind(says(error)))
    assert thought.action == Refused(refusals.UNPARSABLE, error.what)
    assert thought.use is not None
    assert (thought.use.answer, thought.use.retry) == ("refused", False)
    assert (thought.input_tokens, thought.output_tokens) == billed


def test_a_restored_mind_asks_the_same_question() -> None:
    model = says(*[NOOP] * 20)
    policy = mind(model)
    view = look()
    for number in range(12):
        think(policy, view)
        if number % 3:
            policy.learn(Transfer(to="b", amount=number), Committed({"to": "b", "amount": number}))
        else:
            policy.learn(None, Refused("malformed", f"nonsense {number}"))
        think(policy, view)
        think(mind(model, policy.dump()), view)
        assert model.asked[-1] == model.asked[-2]
        assert model.asked[-1] != model.asked[-3]
        del model.asked[:]
        model = says(*[NOOP] * 20)
        policy = mind(model, policy.dump())


def test_a_mind_s_memory_is_bounded() -> None:
    policy = mind(says())
    sizes = []
    for _ in range(40):
        policy.learn(Write("a", "x" * 100_000), Committed({"content": "y" * 100_000}))
        sizes.append(len(policy.dump()))
    assert sizes[-1] == sizes[6] < 10_000


def test_minds_are_slow() -> None:
    """The engine holds their price and awaits them beside others."""
    assert mind(says()).slow
