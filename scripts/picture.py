"""Draw the README's picture: a real run's last screen, as a terminal of 80 columns would show it.

    python scripts/picture.py docs/images/run.png

Runs README's own command, prints its summary into an HTML page and has Chromium photograph it.
"""

import argparse
import io
import shlex
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from ecology.app.library import run
from ecology.observe.summary_table import render_table

COMMAND = "ecology run --agents 50 --duration 1h --seed 7"
COLUMNS = 80
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: {background}; color: {foreground}; }}
pre {{ margin: 0; padding: 24px 28px; font: 15px/1.35 "DejaVu Sans Mono", monospace; }}
{stylesheet}
</style><pre>{code}</pre>"""
CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1"
)


def main() -> None:
    """Run, draw, photograph."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", type=Path)
    target = parser.parse_args().target.resolve()
    with tempfile.TemporaryDirectory() as folder:
        finished = run("container", agents=50, duration="1h", seed=7, runs=folder)
        console = Console(
            record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        console.print(f"[bold green]$[/] {COMMAND}\n", highlight=False)
        console.print(render_table(finished.summary))
        lines = console.export_text(clear=False).count("\n")
        page = Path(folder) / "page.html"
        page.write_text(console.export_html(theme=MONOKAI, code_format=PAGE), encoding="utf-8")
        size = f"--window-size={COLUMNS * 9 + 60},{lines * 21 + 50}"
        subprocess.run(
            [
                *shlex.split(CHROMIUM),
                f"--user-data-dir={folder}/profile",
                size,
                f"--screenshot={target}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    main()
