"""A page in one file that needs no network and no script: a template filled, and written whole or not at all."""

from importlib import resources
from pathlib import Path

import jinja2

from ecology.core.errors import RunFault


def fill(template: str, **values: object) -> str:
    """The HTML of a template (its path below `ecology/observe/`). Every value is escaped, unless it says `|safe`."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def write(target: Path, text: str) -> Path:
    """Put a page where it belongs, and return that path. Raises `RunFault` if it cannot be written."""
    partial = target.with_suffix(".partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(target)
    except OSError as error:
        raise RunFault(
            f"cannot write {target}: {error.strerror}", remedy="free space or change its rights"
        ) from error
    return target


def _source(path: str) -> str:
    return resources.files("ecology.observe").joinpath(path).read_text(encoding="utf-8")
