"""What of a page a keyboard cannot reach."""

from html.parser import HTMLParser


def unreachable(text: str) -> list[str]:
    """Whatever scrolls sideways and cannot be focused, has no role or no name, or shares its name with another."""
    parser = _Scrolling()
    parser.feed(text)
    assert parser.names, "something scrolls"
    twice = {name for name in parser.names if parser.names.count(name) > 1}
    return [*parser.wrong, *twice]


class _Scrolling(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if "scroll" not in (found.get("class") or "").split():
            return
        self.names.append(found.get("aria-label") or "")
        right = found.get("tabindex") == "0" and found.get("role") in ("group", "region") and self.names[-1]
        if not right:
            self.wrong.append(self.get_starttag_text() or tag)
