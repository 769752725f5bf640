"""Children of this process that are alive, whatever becomes of the others while one looks at them."""

from collections.abc import Callable

import psutil


def living(is_meant: Callable[[psutil.Process], bool], *, recursive: bool = False) -> list[psutil.Process]:
    """Those that are meant. One that ended a moment ago is none, whether or not anybody has waited for it."""
    found = []
    for child in psutil.Process().children(recursive=recursive):
        try:
            if child.status() != psutil.STATUS_ZOMBIE and is_meant(child):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found
