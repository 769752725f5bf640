"""How often Python looks for garbage while a world lives."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_PACE = (100_000, 20, 100)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """What was built so far lives as long as the run, and turns make few cycles: looking for garbage at Python's usual
    pace would cost more than the turns themselves."""
    gc.collect()
    gc.freeze()
    pace = gc.get_threshold()
    gc.set_threshold(*_PACE)
    try:
        yield
    finally:
        gc.set_threshold(*pace)
        gc.unfreeze()
