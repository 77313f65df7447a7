"""Which part of Jinja2 a role template may use, judged on its syntax tree before anything runs.

Conditions, loops, `set` and a few filters over `cluster` and `parameters`. No macro, include, import or arithmetic, and
no call but `range`: a template in a pull request must neither reach Python nor keep CI busy, and SandboxedEnvironment
alone lets `{{ "a" * 10**9 }}` through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from jinja2 import meta, nodes

from iamrbac.roles import faults
from iamrbac.roles.faults import TemplateError

CONTEXT = ("cluster", "parameters")
"""The names that a template is given."""
FILTERS = frozenset(
    [
        "default",
        "first",
        "int",
        "last",
        "length",
        "list",
        "lower",
        "sort",
        "string",
        "tojson",
        "trim",
        "unique",
        "upper",
    ]
)
TESTS = frozenset(
    [
        "boolean",
        "defined",
        "false",
        "in",
        "integer",
        "mapping",
        "none",
        "number",
        "sequence",
        "string",
        "true",
        "undefined",
    ]
)
MOST_DEPTH = 60
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.For,
    nodes.If,
    nodes.Assign,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.CondExpr,
    nodes.Filter,
    nodes.Test,
    nodes.Keyword,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Call,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
)


def check(tree: nodes.Template) -> None:
    """Raise TemplateError at the first thing that a role template may not do."""
    for node, depth in _walk(tree):
        if depth > MOST_DEPTH:
            raise _forbidden(node, f"it is nested more than {MOST_DEPTH} deep")
        if not isinstance(node, _ALLOWED):
            raise _forbidden(node, f"{type(node).__name__} is not for role templates")
        _check_node(node)
    unknown = sorted(meta.find_undeclared_variables(tree) - {*CONTEXT, "range"})
    if unknown:
        raise TemplateError(
            faults.UNDEFINED,
            f"{unknown[0]!r} is not defined; a role template knows {' and '.join(CONTEXT)}",
            guess(unknown[0], CONTEXT) or "take it from parameters",
            _line_of(tree, unknown[0]),
        )


def parameters_read(tree: nodes.Template) -> frozenset[str] | None:
    """Return the names of the parameters that a template reads; None when it reads `parameters` as a whole."""
    found: set[str] = set()
    uses = sum(1 for name in tree.find_all(nodes.Name) if name.name == "parameters")
    for read in _reads(tree):
        found.add(read)
        uses -= 1
    return frozenset(found) if uses == 0 else None


def guess(name: str, known: Collection[str]) -> str:
    """Return a "did you mean", or an empty string."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def _reads(tree: nodes.Template) -> Iterator[str]:
    """Yield the name at each `parameters.x`, `parameters["x"]` and `"x" in parameters`."""
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Compare)):
        if isinstance(node, nodes.Getattr) and _is_parameters(node.node):
            yield node.attr
        elif isinstance(node, nodes.Getitem) and _is_parameters(node.node) and isinstance(node.arg, nodes.Const):
            yield str(node.arg.value)
        elif isinstance(node, nodes.Compare) and isinstance(node.expr, nodes.Const) and len(node.ops) == 1:
            operand = node.ops[0]
            if operand.op in ("in", "notin") and _is_parameters(operand.expr):
                yield str(node.expr.value)


def _check_node(node: nodes.Node) -> None:
    if isinstance(node, nodes.Call) and not (isinstance(node.node, nodes.Name) and node.node.name == "range"):
        raise _forbidden(node, "only range(…) can be called")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise _unknown(node, "filter", node.name, FILTERS)
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise _unknown(node, "test", node.name, TESTS)
    if isinstance(node, nodes.For) and node.recursive:
        raise _forbidden(node, "a loop cannot be recursive")
    if isinstance(node, nodes.Name) and node.ctx == "store" and node.name in (*CONTEXT, "range"):
        raise _forbidden(node, f"{node.name!r} cannot be set")
    if isinstance(node, nodes.List | nodes.Tuple | nodes.Dict):
        _check_literal(node)


def _check_literal(node: nodes.List | nodes.Tuple | nodes.Dict) -> None:
    """A list of constants, or the targets of a loop: a list of lists of a name doubles with every line."""
    targets = isinstance(node, nodes.Tuple) and node.ctx == "store"
    inner = (nodes.Name,) if targets else (nodes.Const, nodes.Pair, nodes.Neg)
    if not all(isinstance(child, inner) for child in node.iter_child_nodes()):
        raise _forbidden(node, "a list or mapping can only hold constants")


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Yield every node with its depth, without recursion."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


def _is_parameters(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "parameters"


def _line_of(tree: nodes.Template, name: str) -> int | None:
    return min((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), default=None)


def _forbidden(node: nodes.Node, message: str) -> TemplateError:
    hint = "use conditions, loops and `set` over `cluster` and `parameters`"
    return TemplateError(faults.FORBIDDEN, message, hint, node.lineno)


def _unknown(node: nodes.Node, what: str, name: str, known: Collection[str]) -> TemplateError:
    hint = guess(name, known) or f"use one of {', '.join(sorted(known))}"
    return TemplateError(faults.FORBIDDEN, f"a role template has no {what} {name!r}", hint, node.lineno)
