"""Source made ready to run: checked, counted, written out again, with a way back to the author's line numbers.

Parsing happens in this process, on text that may be hostile. What keeps it harmless: a bound on the length; Python's
own parser, which refuses deep nesting; trees walked level by level until their depth is known; and `ast.unparse`, so
that the text which runs is ours in every letter. Names are normalised (NFKC) by then, and comments, cookies and
line endings are gone.
"""

import ast
import warnings
from itertools import zip_longest

from ecology.sandbox.counting import count_steps
from ecology.sandbox.grammar import MAX_DEPTH, MAX_SOURCE_BYTES, NotAllowed, check_grammar
from ecology.sandbox.outcome import CodeFault, Fault, one_line


class Program:
    """Agent-written source, ready to run. Build one per revision with `compile_program` and keep it."""

    __slots__ = ("_lines", "functions", "names", "source", "source_bytes", "text")

    def __init__(self, source: str, tree: ast.Module, text: str, lines: list[int]) -> None:
        self.source = source
        self.source_bytes = len(source.encode())
        self.functions = frozenset(line.name for line in tree.body if isinstance(line, ast.FunctionDef))
        """Names of top-level functions: what can be invoked."""
        self.names = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        """Every name the code mentions; what it does not mention need not be given to it."""
        self.text = text
        """The counted program, in our own layout."""
        self._lines = lines

    def line_in_source(self, line: int) -> int | None:
        """The author's number for a line of `text` (both from 1), or None if `text` has no such line."""
        return self._lines[line] or None if 0 < line < len(self._lines) else None


def compile_program(source: str) -> Program | CodeFault:
    """Check and count agent-written source, which may be any text at all; fails only with `Fault.SYNTAX`."""
    try:
        return _compile(source)
    except NotAllowed as refused:
        return CodeFault(Fault.SYNTAX, one_line(str(refused)))
    except SyntaxError as error:
        where = f" (line {error.lineno})" if error.lineno else ""
        return CodeFault(Fault.SYNTAX, one_line(f"{error.msg}{where}"))
    except (RecursionError, MemoryError):  # the parser's own words for nesting differ between Pythons
        return CodeFault(Fault.SYNTAX, f"nested deeper than {MAX_DEPTH} levels")


def _compile(source: str) -> Program:
    if len(source) > MAX_SOURCE_BYTES or len(source.encode("utf-8", "replace")) > MAX_SOURCE_BYTES:
        raise NotAllowed(f"longer than {MAX_SOURCE_BYTES} bytes")
    if "\0" in source:
        raise NotAllowed("contains a NUL character")
    if not source.isascii() and any("\ud800" <= letter <= "\udfff" for letter in source):
        raise NotAllowed("contains half of a character (a lone surrogate)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the author's style; shown to nobody
        tree = ast.parse(source)
        check_grammar(tree)
        counted = count_steps(tree)
        text = _written_out(counted)
        lines = _line_map(counted, ast.parse(text))
    return Program(source, counted, text, lines)


def _written_out(tree: ast.Module) -> str:
    try:
        return ast.unparse(tree) + "\n"
    except ValueError:
        raise NotAllowed(
            "a number is too long to be written out, or an f-string's expression holds a control character"
        ) from None


def _line_map(counted: ast.Module, written: ast.Module) -> list[int]:
    """Which line of the source each line of the written text came from, at index of the latter; 0 is none.

    Raises NotAllowed where writing out and reading again did not give the same tree.
    """
    lines: list[int] = []
    for ours, theirs in zip_longest(ast.walk(counted), ast.walk(written)):
        if type(ours) is not type(theirs):
            raise NotAllowed("cannot be written out unambiguously; simplify its f-strings", ours)
        line = getattr(theirs, "lineno", 0)
        if line >= len(lines):
            lines.extend([0] * (line + 1 - len(lines)))
        if line and not lines[line]:
            lines[line] = getattr(ours, "lineno", 0)
    return lines
