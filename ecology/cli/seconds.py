"""Seconds as a flag of the command line."""

import math

import click


class Seconds(click.FloatRange):
    """A number in a range; the range alone would let NaN through."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a number of seconds", param, ctx)
        return number
