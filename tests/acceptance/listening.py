"""When a command that was started can be sent a signal: an interpreter that is just starting dies of it."""

import signal
import subprocess
import time
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def listening(process: subprocess.Popen[str]) -> None:
    """Wait until the process catches all of `SIGNALS` that are not ignored from its birth, or has ended."""
    wanted = sum(1 << (number - 1) for number in SIGNALS)
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        if (int(lines["SigCgt"], 16) | int(lines["SigIgn"], 16)) & wanted == wanted:
            return
        time.sleep(0.005)
