"""The reference of keys says what the settings models say."""

import scenario_reference
from ecology.scenarios import Scenario, keys


def test_the_table_of_keys_is_up_to_date() -> None:
    assert scenario_reference.main(["--check"]) == 0, "run python scripts/scenario_reference.py"


def test_every_key_is_explained() -> None:
    unexplained = [key.path for key in keys.walk(Scenario) if not key.meaning or not key.expected]
    assert unexplained == []
