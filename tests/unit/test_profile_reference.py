"""The reference of a capacity profile's keys says what its types say."""

import profile_reference


def test_the_table_of_keys_is_up_to_date() -> None:
    assert profile_reference.main(["--check"]) == 0, "run python scripts/profile_reference.py"


def test_every_key_is_explained() -> None:
    unexplained = [row for row in profile_reference.rows() if row.endswith("|  |")]
    assert unexplained == []
