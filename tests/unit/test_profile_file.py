"""`capacity.yaml`: what is in it, and everything that can be wrong with it."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from calibrate.errors import CalibrationFault
from calibrate.profiles.file import COMMENTS, encode, write
from calibrate.profiles.profile import Profile
from ecology.app.capacity_profile import read
from ecology.core.errors import UsageError
from tests.support.calibrated import profile

TEXT = encode(profile())


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as fault:
        read(path)
    line = str(fault.value)
    assert line.startswith(str(path))
    assert line.isprintable()
    return line.removeprefix(str(path))


def written(folder: Path, text: str) -> Path:
    path = folder / "capacity.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "capacity.yaml"
    write(path, profile())
    assert read(path) == profile()
    assert [file.name for file in tmp_path.iterdir()] == ["capacity.yaml"]


def test_every_key_with_a_unit_says_it() -> None:
    for key in COMMENTS:
        assert ".N." in key or any(
            line.strip().startswith(f"{key.rpartition('.')[2]}:") and "  # " in line
            for line in TEXT.splitlines()
        ), key


def test_text_that_yaml_would_take_for_something_else_stays_text(tmp_path: Path) -> None:
    odd = replace(profile(), engine="", mix="no", software='1.10 # "\\', what="line\none\x85 🦉")
    assert read(written(tmp_path, encode(odd))) == odd


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("version: 1 ", "version: 2 ", ":3: a capacity profile of version 2, not 1; calibrate again"),
        ("version: 1 ", "version: one ", ":3: version: expected a whole number, got text"),
        ("version: 1 ", "# ", ":4: version is missing"),
        ("  base_cpus:", "  base_cpu:", "unknown key cpu.base_cpu; did you mean 'base_cpus'?"),
        ("mix:", "mixture:", ": unknown key mixture; did you mean 'mix'?"),
        ("mix:", "qqqqqqqq: 1\nmix:", ": unknown key qqqqqqqq; known here: version, made"),
        ("mix:", "? [a]\n: 1\nmix:", "a key that is not text"),
        ("agents: 20, ", "agent: 20, ", "unknown key buckets.4.agent; did you mean 'agents'?"),
        ("agents: 20, ", "", "buckets.4.agents is missing"),
        ("agents: 20, ", "agents: 3, ", "buckets: the numbers of agents do not rise"),
        ('kind: "desktop"', "kind: 5", "hardware.kind: expected text, got a whole number"),
        ("  cpus: 1.0", "  cpus: -1.0", ":10: container.cpus: expected a number >= 1e-09"),
        ("  cpus: 1.0", "  cpus: 0", ":10: container.cpus: expected a number >= 1e-09"),
        ("  cpus: 1.0", "  cpus: 1e300", ":10: container.cpus: expected a number <= 1000000000000.0"),
        ("  cpus: 1.0", "  cpus: 1e999999999", ":10: container.cpus: expected a number"),
        ("  cpus: 1.0", "  cpus: .inf", ":10: container.cpus: expected a number, got text"),
        ("  cpus: 1.0", "  cpus: .nan", ":10: container.cpus: expected a number, got text"),
        ("  cpus: 1.0", "  cpus: [1, 2]", ":10: container.cpus: expected a number, got a list"),
        ("  cpus: 1.0", "  cpus: true", ":10: container.cpus: expected a number, got true or false"),
        ("  cpus: 1.0", "  cpus: 1.0\n  cpus: 2.0", ":11: 'cpus' stands twice"),
        ("cpus: 8", "cpus: 99999999999999999999999", ": hardware.cpus: "),
        ('bound: "cpu"', 'bound: "cpus"', "rate.bound: invalid enum value 'cpus'"),
        ("low_percent: 70.0", "low_percent: 90.0", ": aim: the band is empty"),
        ('made: "2026-11-21T12:00:00Z"', 'made: "today"', ":4: made: expected text matching"),
        ("thinking_at_once: ", "thinking_at_once: -", ": thinking_at_once: expected a whole number >= 1"),
        ("mix:", "mix: !!python/object:os.system", ": the tag "),
        ("mix:", "mix: *nobody\n#", "the alias '*nobody' has no anchor before it"),
        ("mix:", "---\nmix:", "a second document; keep one capacity profile in a file"),
        ("mix:", "mix: {", "not YAML"),
    ],
)
def test_one_line_says_where_and_what(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert TEXT.count(old) >= 1
    assert line in refused(written(tmp_path, TEXT.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ":1: no capacity profile: empty; make one with: ecology calibrate"),
        ("# nothing\n", ":1: no capacity profile: empty"),
        ("- version: 1\n", ":1: no capacity profile: not keys and values"),
        ("capacity", ":1: no capacity profile: not keys and values"),
        ("name: container\nagents: 5\n", ": unknown key name"),
        ("a: \x00\n", ":1: a character that YAML does not allow"),
        ("x" * 1_000_001, ": longer than 1000000 bytes; no capacity profile needs that much"),
        ("[" * 100, "nested deeper than 24 levels"),
    ],
)
def test_what_is_no_profile_at_all(tmp_path: Path, text: str, line: str) -> None:
    assert line in refused(written(tmp_path, text))


def test_an_alias_bomb_does_not_go_off(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "more than 50000 values" in refused(written(tmp_path, "\n".join(lines)))


def test_a_file_that_is_none(tmp_path: Path) -> None:
    assert ": not a file; make one with: ecology calibrate" in refused(tmp_path)
    assert ": no such file; make one with: ecology calibrate" in refused(tmp_path / "capacity.yaml")
    (tmp_path / "link.yaml").symlink_to("link.yaml")
    assert ": cannot be read (" in refused(tmp_path / "link.yaml")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(128, 256)))
    assert ":1: not UTF-8 text" in refused(tmp_path / "binary.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert ": not a file" in refused(tmp_path / "pipe.yaml")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "capacity.yaml"
    path.write_text("old")
    (tmp_path / f".capacity.yaml.{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(CalibrationFault, match=r"cannot write .*capacity.yaml \(no space left on device\)"):
        write(path, profile())
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["capacity.yaml"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "no" / "capacity.yaml", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(CalibrationFault, match=why) as fault:
            write(path, profile())
        assert fault.value.remedy == "name another place, or change its rights"


def test_a_profile_knows_its_keys() -> None:
    """The keys are stable: a file of today is read for as long as its version is."""
    assert Profile.__struct_fields__ == (
        *(
            "version",
            "made",
            "software",
            "engine",
            "what",
            "mix",
            "container",
            "hardware",
            "aim",
            "rate",
            "cpu",
        ),
        *("memory", "thinking_at_once", "worst_thought_tokens", "buckets", "hold_out"),
    )
