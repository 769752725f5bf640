"""`ecology scenarios`: what worlds there are, and what one of them says."""

import json

import click

from ecology import scenarios as scenario_files
from ecology.cli.console import data

EXAMPLES = """
\b
Examples:
  ecology scenarios
  ecology scenarios famine > my.yaml
"""


@click.command(epilog=EXAMPLES)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def scenarios(name: str | None, as_json: bool) -> None:
    """List the scenarios that ship, or show the whole configuration of one."""
    if name is not None:
        data(scenario_files.dump(scenario_files.load(name)).rstrip("\n"))
        return
    listing = scenario_files.list_scenarios()
    if as_json:
        data(json.dumps([{"name": it[0], "description": it[1]} for it in listing], indent=2))
        return
    width = max(len(it[0]) for it in listing)
    for known, description, _ in listing:
        data(f"{known:<{width}}  {description}")
