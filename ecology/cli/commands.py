"""The group `ecology`: one line for a mistake, and the exit codes 0 done, 1 failed, 2 wrong call, 130 interrupted."""

# ruff: noqa: PLC0415

from collections.abc import Callable

import click

from ecology.cli.console import complain
from ecology.core.errors import INTERRUPTED, EcologyError


def _run() -> click.Command:
    from ecology.cli.run import run

    return run


def _node() -> click.Command:
    from ecology.cli.node import node_command

    return node_command


def _observe() -> click.Command:
    from ecology.cli.observe import observe

    return observe


def _report() -> click.Command:
    from ecology.cli.report import report

    return report


def _scenarios() -> click.Command:
    from ecology.cli.scenarios import scenarios

    return scenarios


def _examples() -> click.Command:
    from ecology.cli.examples import examples

    return examples


def _admin() -> click.Command:
    from ecology.cli.admin import admin

    return admin


def _calibrate() -> click.Command:
    from ecology.cli.calibrate import calibrate

    return calibrate


def _doctor() -> click.Command:
    from ecology.cli.doctor import doctor

    return doctor


def _workload() -> click.Command:
    from ecology.cli.workload import workload

    return workload


LOADERS: dict[str, Callable[[], click.Command]] = {
    "run": _run,
    "node": _node,
    "observe": _observe,
    "report": _report,
    "scenarios": _scenarios,
    "examples": _examples,
    "admin": _admin,
    "calibrate": _calibrate,
    "doctor": _doctor,
    "workload": _workload,
}
"""Each command is imported when it is asked for: no node waits until the plots of a report could be drawn."""


class _Commands(click.Group):
    """A group of those commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(LOADERS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        loader = LOADERS.get(cmd_name)
        return None if loader is None else loader()


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="agent-ecology", prog_name="ecology")
def ecology() -> None:
    """A simulator in which agents live under real scarcity and nothing tells them how to organise."""


def exit_code() -> int:
    """Carry out what `sys.argv` says; whatever a user's mistake or the world's trouble raised is one line."""
    try:
        result = ecology.main(prog_name="ecology", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as shown:
        click.echo(shown.format_message())
        return 2
    except click.ClickException as error:
        complain(error.format_message())
        return error.exit_code
    except EcologyError as error:
        complain(str(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return INTERRUPTED
    return result if isinstance(result, int) else 0
