"""How Hypothesis works here: nothing is timed, and what fails says how to see it again.

`pytest --hypothesis-profile=thorough` looks ten times as long; `ci` tries the same examples in every run.
"""

from hypothesis import HealthCheck, settings

_SHARED_CORES = [HealthCheck.too_slow]  # a slow machine is no fault of the test

settings.register_profile("dev", deadline=None, print_blob=True, suppress_health_check=_SHARED_CORES)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
settings.register_profile(
    "thorough", settings.get_profile("dev"), max_examples=1_000, stateful_step_count=100
)
settings.load_profile("dev")
