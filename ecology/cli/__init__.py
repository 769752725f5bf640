"""The command line: parses arguments, prints, sets the exit code. Nothing else.

Reading order: `entry` (the console script), `commands` (the group and the way errors end), `run`, `report`,
`scenarios`, `admin`, `doctor`, `console` (where data and talk go), `progress` (the moving line).
"""

from ecology.cli.entry import main

__all__ = ["main"]
