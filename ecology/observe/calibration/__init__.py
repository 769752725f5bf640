"""A calibration for its readers: a page, the terminal, and machines.

Reading order: `windows` and `steady` (samples gathered), `findings` (what a record says), `words`, `strokes` (what the
figures share), `course_figures`, `hold_figures`, `capacity_figures`, `tables`, `page` (the file), `terminal`,
`essentials` (for machines).
"""

from ecology.observe.calibration.essentials import Essentials, essentials
from ecology.observe.calibration.page import page, write_page
from ecology.observe.calibration.terminal import render

__all__ = ["Essentials", "essentials", "page", "render", "write_page"]
