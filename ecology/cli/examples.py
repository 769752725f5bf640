"""`ecology examples`: what contracts and tools there are to learn from, and the text of one of them."""

import json

import click

from ecology import examples as worked
from ecology.cli.console import data

EXAMPLES = """
\b
Examples:
  ecology examples
  ecology examples paid_read
  ecology examples paid_read --interface
"""


@click.command(epilog=EXAMPLES)
@click.argument("name", required=False)
@click.option("--interface", "as_interface", is_flag=True, help="Print its interface instead of its program.")
def examples(name: str | None, as_interface: bool) -> None:
    """List the worked examples of contracts and tools, or print the program of one."""
    if name is None:
        width = max(len(known) for known in worked.NAMES)
        for known in worked.NAMES:
            data(f"{known:<{width}}  {worked.interface(known)['description']}")
    elif name not in worked.NAMES:
        raise click.UsageError(f"there is no example '{name}'; there are {', '.join(worked.NAMES)}")
    elif as_interface:
        data(json.dumps(worked.interface(name), indent=2))
    else:
        data(worked.source(name).rstrip("\n"))
