"""Token buckets against exact arithmetic: no drift, no debt, no waiting for nothing."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ecology.core.clock import SECOND_NS
from ecology.resources.bucket import NANO, Bucket

RATES = st.integers(0, 10**7) | st.integers(0, 20)
CAPACITIES = st.integers(0, 10**9) | st.integers(0, 20)
SPANS = st.integers(0, 10**12) | st.integers(0, 3 * SECOND_NS) | st.integers(0, 5)
AMOUNTS = st.integers(0, 10**9) | st.integers(0, 20)


class Model:
    """The formula itself, in rational numbers."""

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate = rate
        self.capacity = capacity
        self.level = Fraction(capacity)
        self.now_ns = 0

    def pass_time(self, span_ns: int) -> None:
        """`min(capacity, level + elapsed x rate)`."""
        self.now_ns += span_ns
        self.level = min(Fraction(self.capacity), self.level + Fraction(span_ns * self.rate, SECOND_NS))

    def agrees(self, bucket: Bucket) -> bool:
        bucket.refill(self.now_ns)
        return Fraction(bucket.level_nano, NANO) == self.level and bucket.level_nano >= 0


STEPS = st.lists(
    st.tuples(st.just("take"), AMOUNTS, SPANS)
    | st.tuples(st.just("give_back"), AMOUNTS, SPANS)
    | st.tuples(st.just("drain"), AMOUNTS, SPANS)
    | st.tuples(st.just("set_rights"), st.tuples(RATES, CAPACITIES), SPANS)
    | st.tuples(st.just("look back"), AMOUNTS, SPANS),
    max_size=30,
)


@given(RATES, CAPACITIES, STEPS)
def test_the_level_is_the_formula_to_the_last_billionth(
    rate: int, capacity: int, steps: list[tuple[str, int | tuple[int, int], int]]
) -> None:
    bucket, model = Bucket(rate, capacity, capacity * NANO, 0), Model(rate, capacity)
    for what, operand, span_ns in steps:
        model.pass_time(span_ns)
        now_ns = model.now_ns
        if isinstance(operand, tuple):
            bucket.set_rights(*operand, now_ns)
            model.rate, model.capacity = operand
            model.level = min(model.level, Fraction(model.capacity))
        elif what == "take":
            enough = model.level >= operand
            assert bucket.take(operand, now_ns) is enough
            model.level -= operand if enough else 0
        elif what == "give_back":
            bucket.refill(now_ns)
            bucket.give_back(operand)
            model.level = min(model.level + operand, Fraction(model.capacity))
        elif what == "drain":
            bucket.refill(now_ns)
            missing = bucket.drain(operand)
            assert missing == max(0, -((model.level - operand) // 1))
            model.level = max(Fraction(0), model.level - operand)
        else:
            bucket.refill(now_ns)
            assert bucket.refill(now_ns - operand) == model.level // 1
        assert model.agrees(bucket)


@given(RATES, CAPACITIES, SPANS, AMOUNTS)
def test_ready_is_the_first_moment_at_which_there_is_enough(
    rate: int, capacity: int, span_ns: int, amount: int
) -> None:
    bucket = Bucket(rate, capacity, 0, 0)
    ready_ns = bucket.ready_ns(amount, span_ns)
    if ready_ns is None:
        assert amount > capacity or rate == 0
        assert not bucket.take(amount, span_ns + 10**15)
        return
    assert ready_ns >= span_ns
    if ready_ns > span_ns:
        assert not bucket.take(amount, ready_ns - 1)
    assert bucket.take(amount, ready_ns)


@given(RATES, CAPACITIES, AMOUNTS, st.lists(SPANS, max_size=20))
def test_looking_often_is_looking_once(rate: int, capacity: int, level: int, spans: list[int]) -> None:
    start = min(level, capacity) * NANO
    often, once = Bucket(rate, capacity, start, 0), Bucket(rate, capacity, start, 0)
    now_ns = 0
    for span_ns in spans:
        now_ns += span_ns
        often.refill(now_ns)
    once.refill(now_ns)
    assert often.level_nano == once.level_nano


@given(RATES, RATES, CAPACITIES, CAPACITIES, AMOUNTS, SPANS)
def test_moving_a_part_of_a_right_makes_and_loses_nothing_below_the_brim(
    rate: int, other_rate: int, capacity: int, other_capacity: int, part: int, span_ns: int
) -> None:
    """Two empty buckets fill together as fast as before, however their rate is divided between them."""
    part = min(part, rate)
    before = [Bucket(rate, 10**18, 0, 0), Bucket(other_rate, 10**18, 0, 0)]
    after = [Bucket(rate, 10**18, 0, 0), Bucket(other_rate, 10**18, 0, 0)]
    after[0].set_rights(rate - part, 10**18, 0)
    after[1].set_rights(other_rate + part, 10**18, 0)
    for bucket in (*before, *after):
        bucket.refill(span_ns)
    assert sum(bucket.level_nano for bucket in before) == sum(bucket.level_nano for bucket in after)
