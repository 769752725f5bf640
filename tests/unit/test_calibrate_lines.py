"""What a workload may say, and what is no longer a workload."""

import json
from typing import Any

import pytest

from calibrate.errors import WorkloadEnded
from calibrate.workloads import lines
from calibrate.workloads.lines import Listener, Ready

FIGURES: dict[str, Any] = {
    "time_ns": 5,
    "agents": 5,
    "rate_millitokens_per_s": 12_000,
    "turns": 7,
    "millitokens": 8,
    "late_ns": 9,
    "loop_cpu_ns": 10,
    "thinking": 1,
    "slots": 14,
}


def said(**others: object) -> bytes:
    return json.dumps({"figures": FIGURES | others}).encode() + b"\n"


def test_what_is_told_to_a_workload() -> None:
    assert lines.opening("name: x\n") == b'{"scenario":"name: x\\n"}\n'
    assert lines.rate(12_000) == b'{"rate_millitokens_per_s":12000}\n'


def test_lines_are_put_together_from_pieces_of_any_size() -> None:
    listener = Listener()
    for byte in b'{"ready": {"software": "0.1.0", "agents": 5, "slots": 14}}\n\r\n' + said():
        listener.hear(bytes([byte]))
    assert listener.ready == Ready("0.1.0", 5, 14)
    assert listener.figures is not None and listener.figures.turns == 7


def test_what_a_newer_workload_says_beside_that_is_passed_over() -> None:
    listener = Listener()
    listener.hear(b'{"ready": {"software": "9", "agents": 5, "more": {}}, "since": 1}\n{"weather": "fine"}\n')
    listener.hear(said(temperature=20))
    assert listener.ready == Ready("9", 5)
    assert listener.figures is not None and listener.figures.llm_tokens == 0


@pytest.mark.parametrize(
    "hostile",
    [
        b"Traceback (most recent call last):\n",
        b"[1]\n",
        b"7\n",
        b"\xff\xfe\n",
        b"[" * 60_000 + b"\n",
        b"x" * 70_000,
        b" " * 70_000 + b"\n",
        b'{"ready": {"software": 1, "agents": 5}}\n',
        b'{"figures": {"turns": 1}}\n',
        said(turns=1e300),
        said(turns=-1),
        said(agents=0),
        said(thinking=-1),
        said(time_ns=True),
    ],
)
def test_what_is_not_of_the_protocol_ends_it_in_one_line(hostile: bytes) -> None:
    with pytest.raises(WorkloadEnded) as ended:
        Listener().hear(hostile)
    assert "not of its protocol" in ended.value.what
    assert ended.value.what.isprintable() and len(ended.value.what) < 500


def test_counters_do_not_go_backwards() -> None:
    listener = Listener()
    listener.hear(said())
    listener.hear(said(thinking=0, slots=1, rate_millitokens_per_s=1))
    with pytest.raises(WorkloadEnded, match="millitokens went backwards"):
        listener.hear(said(millitokens=7))


def test_the_end_of_the_talk_is_kept_and_can_be_printed() -> None:
    listener = Listener()
    for number in range(50):
        listener.overhear(b"line %d\n\n" % number)
    listener.overhear("\x1b[31mthe last\x07 ümlaut".encode())
    assert listener.talk[-2:] == ("line 49", "[31mthe last  ümlaut")
    assert len(listener.talk) <= lines.TALK_LINES + 1
    listener.overhear(b"y" * 1_000_000 + b"\n")
    assert len(listener.talk[-1]) == lines.LONGEST_TALK_CHARACTERS
