"""Draw the page of a calibration that was kept, without calibrating again.

    python scripts/calibration_page.py docs/calibration/0.5-cpu.json 0.5-cpu.html --profile capacity.yaml

Prints what the terminal showed, too.
"""

import argparse
from pathlib import Path

from rich.console import Console

from calibrate.record import decode
from ecology.app.capacity_profile import read
from ecology.observe.calibration import render, write_page


def main() -> None:
    """Read the record, write the page, say what is in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("record", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--profile", type=Path, help="what was made of it: without it nothing is predicted")
    arguments = parser.parse_args()
    record = decode(arguments.record.read_bytes())
    profile = read(arguments.profile) if arguments.profile else None
    page = write_page(arguments.target, record, profile)
    Console().print(render(record, profile, files={"page": page}))


if __name__ == "__main__":
    main()
