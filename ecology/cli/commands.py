"""The group `ecology`: one line for a mistake, and the exit codes 0 done, 1 failed, 2 wrong call, 130 interrupted."""

import click

from ecology.cli.admin import admin
from ecology.cli.console import complain
from ecology.cli.doctor import doctor
from ecology.cli.examples import examples
from ecology.cli.node import node_command
from ecology.cli.observe import observe
from ecology.cli.report import report
from ecology.cli.run import run
from ecology.cli.scenarios import scenarios
from ecology.core.errors import INTERRUPTED, EcologyError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="agent-ecology", prog_name="ecology")
def ecology() -> None:
    """A simulator in which agents live under real scarcity and nothing tells them how to organise."""


for command in (run, node_command, observe, report, scenarios, examples, admin, doctor):
    ecology.add_command(command)


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
