"""Making a program count its own steps: Monty has no instruction counter.

A tick draws the next number from an iterator over as many numbers as there may be steps. It stands where every
repetition must pass: at the start of each function's body, each loop's body and each lambda, and as the first
condition of each `for` in a comprehension. When the numbers are used up, a tick raises `StopIteration`; code may
catch that, but every further tick raises it again, so little is left to run, and the frame sees the empty iterator
at the end whatever the code made of it.

The tick's value is always true, for the sake of `tick and body` and `if tick`.
"""

import ast
from typing import TypeVar

from ecology.sandbox.grammar import RESERVED_PREFIX

NEXT = f"{RESERVED_PREFIX}_next"
FUEL = f"{RESERVED_PREFIX}_fuel"

Loop = TypeVar("Loop", ast.For, ast.While)


def count_steps(tree: ast.Module) -> ast.Module:
    """The tree with ticks in it (the same object); positions of what was there before are kept."""
    counted = _Counting().visit(tree)
    assert isinstance(counted, ast.Module)
    return counted


def _tick(at: ast.AST) -> ast.Call:
    call = ast.Call(
        func=ast.Name(id=NEXT, ctx=ast.Load()), args=[ast.Name(id=FUEL, ctx=ast.Load())], keywords=[]
    )
    for node in (call, call.func, *call.args):
        ast.copy_location(node, at)
    return call


def _ticking(body: list[ast.stmt]) -> list[ast.stmt]:
    """A body that begins with a tick; texts that stand there only to be read are left out."""
    kept = [line for line in body if not _is_text(line)]
    return [ast.copy_location(ast.Expr(value=_tick(body[0])), body[0]), *kept]


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


class _Counting(ast.NodeTransformer):
    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = [line for line in node.body if not _is_text(line)]
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        kept = [line for line in node.body if not _is_text(line)]
        node.body = kept or [ast.copy_location(ast.Pass(), node.body[0])]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = _ticking(node.body)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._loop(node)

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._loop(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        node.body = ast.copy_location(
            ast.BoolOp(op=ast.And(), values=[_tick(node.body), node.body]), node.body
        )
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.ifs.insert(0, _tick(node.target))
        return node

    def _loop(self, node: Loop) -> Loop:
        self.generic_visit(node)
        node.body = _ticking(node.body)
        return node
