"""The faults that are put into the verifiers: one small change to the syntax tree at a time.

A mutant's ID is `<file>:<function>:<operator>:<n>`, the n-th place in the function where the operator applies, so
that a change elsewhere does not rename it. Code of a module that is in no function goes by the name it is assigned to.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple


class Change(NamedTuple):
    """Put `new` in the place of `old`, which is at `field` of `parent`: the item `at` of it, if that is a list."""

    parent: ast.AST
    field: str
    at: int | None
    old: ast.AST | None
    new: ast.AST | None


class Mutant(NamedTuple):
    """One change, by name: `before` and `after` are for people."""

    id: str
    file: str
    function: str
    operator: str
    line: int
    before: str
    after: str


Place = tuple[ast.AST, str, int | None, ast.AST]
Operator = Callable[[ast.AST], Iterator[Change]]


def places(node: ast.AST) -> Iterator[Place]:
    """Every child of a node, with where it is."""
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield node, field, index, child


def _replaced(place: Place, new: ast.AST | None) -> Change:
    parent, field, index, old = place
    return Change(parent, field, index, old, new)


def remove_raise(node: ast.AST) -> Iterator[Change]:
    """A `raise` does nothing."""
    for place in places(node):
        if isinstance(place[3], ast.Raise):
            yield _replaced(place, ast.Pass())


def drop_call(node: ast.AST) -> Iterator[Change]:
    """A call that stands alone, a check for example, is not made."""
    for place in places(node):
        if isinstance(place[3], ast.Expr) and isinstance(place[3].value, ast.Call):
            yield _replaced(place, ast.Pass())


def return_early(node: ast.AST) -> Iterator[Change]:
    """A function that gives nothing back, a check for example, does nothing."""
    if isinstance(node, ast.FunctionDef):
        inner = [each for each in ast.walk(node) if isinstance(each, (ast.Return, ast.Yield, ast.YieldFrom))]
        gives = any(isinstance(each, (ast.Yield, ast.YieldFrom)) or each.value for each in inner)
        if not gives and not all(
            isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) for each in node.body
        ):
            yield Change(node, "body", 0, node.body[0], ast.Return(None))


def leave_loop(node: ast.AST) -> Iterator[Change]:
    """A loop ends after its first iteration."""
    if isinstance(node, (ast.For, ast.While)):
        yield Change(node, "body", len(node.body), None, ast.Break())


def negate(node: ast.AST) -> Iterator[Change]:
    """A condition is the opposite: of `if`, `while`, `for … if`, of the check `need(…)`, or what is returned."""
    for place in places(node):
        parent, field, index, old = place
        is_test = field == "test" or (field == "ifs" and isinstance(parent, ast.comprehension))
        is_need = isinstance(parent, ast.Call) and _name(parent.func) == "need" and (field, index) == ("args", 0)
        is_answer = isinstance(parent, ast.Return) and isinstance(old, (ast.Compare, ast.BoolOp))
        if is_test or is_need or is_answer:
            inner = old.operand if isinstance(old, ast.UnaryOp) and isinstance(old.op, ast.Not) else None
            yield _replaced(place, inner or ast.UnaryOp(ast.Not(), _expression(old)))


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _expression(node: ast.AST) -> ast.expr:
    assert isinstance(node, ast.expr)
    return node


_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


def boundary(node: ast.AST) -> Iterator[Change]:
    """`<` and `<=` for each other, `>` and `>=` too."""
    yield from _compared(node, _BOUNDARY)


def or_more(node: ast.AST) -> Iterator[Change]:
    """What is more is held for equal, text aside: `>=` for `==`, `<` for `!=`."""
    yield from _compared(node, {ast.Eq: ast.GtE, ast.NotEq: ast.Lt})


def or_less(node: ast.AST) -> Iterator[Change]:
    """What is less is held for equal, text aside: `<=` for `==`, `>` for `!=`."""
    yield from _compared(node, {ast.Eq: ast.LtE, ast.NotEq: ast.Gt})


def _compared(node: ast.AST, table: dict[type[ast.cmpop], type[ast.cmpop]]) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            is_text = isinstance(op, (ast.Eq, ast.NotEq)) and any(map(_is_text, (node.left, *node.comparators)))
            if type(op) in table and not is_text:
                yield Change(node, "ops", index, op, table[type(op)]())


def _is_text(node: ast.AST) -> bool:
    """A text, or a name in capitals."""
    return (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))) or _name(node).isupper()


def equal_to_all(node: ast.AST) -> Iterator[Change]:
    """Everything is equal: `==` is true, `!=` is false."""
    for place in places(node):
        old = place[3]
        if isinstance(old, ast.Compare) and len(old.ops) == 1 and isinstance(old.ops[0], (ast.Eq, ast.NotEq)):
            yield _replaced(place, ast.Constant(isinstance(old.ops[0], ast.Eq)))


def member_of_all(node: ast.AST) -> Iterator[Change]:
    """Everything is in a set or list: `in` is true, `not in` is false."""
    for place in places(node):
        old = place[3]
        if isinstance(old, ast.Compare) and isinstance(old.ops[0], (ast.In, ast.NotIn)):
            yield _replaced(place, ast.Constant(isinstance(old.ops[0], ast.In)))


def one_more(node: ast.AST) -> Iterator[Change]:
    """An integer is one more."""
    yield from _shifted(node, 1)


def one_less(node: ast.AST) -> Iterator[Change]:
    """An integer is one less; an index of 0 is not, since -1 is the same item of a list of one."""
    for change in _shifted(node, -1):
        if not (isinstance(change.parent, ast.Subscript) and change.old and ast.unparse(change.old) == "0"):
            yield change


def _shifted(node: ast.AST, by: int) -> Iterator[Change]:
    for place in places(node):
        if isinstance(place[3], ast.Constant) and type(place[3].value) is int:
            yield _replaced(place, ast.Constant(place[3].value + by))


def skip_first(node: ast.AST) -> Iterator[Change]:
    """A loop or comprehension leaves out its first item."""
    yield from _sliced(node, ast.Slice(lower=ast.Constant(1)))


def skip_last(node: ast.AST) -> Iterator[Change]:
    """A loop or comprehension leaves out its last item."""
    yield from _sliced(node, ast.Slice(upper=ast.UnaryOp(ast.USub(), ast.Constant(1))))


def _sliced(node: ast.AST, part: ast.Slice) -> Iterator[Change]:
    if isinstance(node, (ast.For, ast.comprehension)):
        items = ast.Call(ast.Name("list", ast.Load()), [node.iter], [])
        yield Change(node, "iter", None, node.iter, ast.Subscript(items, part, ast.Load()))


def drop_member(node: ast.AST) -> Iterator[Change]:
    """A set, list, tuple or table of constants has one member less."""
    if isinstance(node, (ast.Set, ast.List, ast.Tuple)) and all(map(_is_constant, node.elts)):
        if len(node.elts) > 1 and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            for index, element in enumerate(node.elts):
                yield Change(node, "elts", index, element, None)
    elif isinstance(node, ast.Dict):
        for index, key in enumerate(node.keys):
            if key is not None:
                yield Change(node, "keys", index, key, None)


def _is_constant(node: ast.AST) -> bool:
    """A literal, a name in capitals, a type, or a row of a table: what a class with a name as `Row` makes."""
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    if isinstance(node, ast.Call):
        return _name(node.func).istitle()
    named = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return isinstance(node, ast.Constant) or (named.isupper() or named in ("str", "int", "float", "dict", "list"))


def swap_and_or(node: ast.AST) -> Iterator[Change]:
    """`and` and `or` for each other."""
    if isinstance(node, ast.BoolOp):
        yield Change(node, "op", None, node.op, ast.Or() if isinstance(node.op, ast.And) else ast.And())


def drop_condition(node: ast.AST) -> Iterator[Change]:
    """One of the conditions that `and` or `or` joins is left out."""
    for place in places(node):
        old = place[3]
        if isinstance(old, ast.BoolOp):
            for index in range(len(old.values)):
                rest = old.values[:index] + old.values[index + 1 :]
                yield _replaced(place, rest[0] if len(rest) == 1 else ast.BoolOp(old.op, rest))


OPERATORS: dict[str, Operator] = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(
            remove_raise,
            drop_call,
            return_early,
            leave_loop,
            negate,
            boundary,
            or_more,
            or_less,
            equal_to_all,
            member_of_all,
        ),
        *(one_more, one_less, skip_first, skip_last, drop_member, swap_and_or, drop_condition),
    )
}


# --- where they apply


def definitions(tree: ast.Module) -> list[tuple[str, ast.AST]]:
    """The functions, methods and values of a module, by name; a value may be made in several statements."""
    found: list[tuple[str, ast.AST]] = []
    for node in tree.body:
        for each in node.body if isinstance(node, ast.ClassDef) else [node]:
            owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
            if isinstance(each, ast.FunctionDef):
                found.append((owner + each.name, each))
            elif isinstance(each, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For)) and (name := _assigned(each)):
                found.append((owner + name, each))
    return found


def _assigned(statement: ast.AST) -> str:
    """The first name that a statement gives a value to, or puts a value into: `X` of `X[key] = …` in a loop."""
    stored = [each for each in ast.walk(statement) if isinstance(getattr(each, "ctx", None), ast.Store)]
    tables = [_name(each.value) for each in stored if isinstance(each, ast.Subscript)]
    return next((name for name in (*tables, *map(_name, stored)) if name), "")


def names_in(node: ast.AST) -> set[str]:
    """Every name that a piece of code speaks of, as a variable or after a dot."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return names | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def reachable(trees: dict[str, ast.Module], roots: set[str], never: Collection[str] = ()) -> dict[str, set[str]]:
    """The definitions of each file that code which speaks of `roots` may come to, by name alone: rather too many.

    None of `never`, each `<file>:<definition>`, or of a class among them.
    """
    named = [(file, name, node) for file, tree in trees.items() for name, node in definitions(tree)]
    left = [each for each in named if not {f"{each[0]}:{each[1]}", f"{each[0]}:{each[1].partition('.')[0]}"} & {*never}]
    used, found, reached = set(roots), {file: set[str]() for file in trees}, left
    while reached:
        reached = [each for each in left if _is_used(each[1], used)]
        left = [each for each in left if each not in reached]
        for file, name, node in reached:
            found[file].add(name)
            used |= names_in(node)
    return found


def _is_used(name: str, used: set[str]) -> bool:
    owner, _, last = name.rpartition(".")
    return last in used or (last == "__init__" and owner in used)


def _inside(node: ast.AST, owner: str) -> Iterator[tuple[str, ast.AST]]:
    """The nodes of a definition, with the function that each is in; no text for people, no type."""
    yield owner, node
    for parent, field, _, child in places(node):
        is_text = isinstance(child, ast.JoinedStr)
        is_type = field in ("annotation", "returns") or (
            isinstance(parent, ast.Subscript) and isinstance(child, ast.Tuple)
        )
        if not is_text and not is_type:
            yield from _inside(child, f"{owner}.{child.name}" if isinstance(child, ast.FunctionDef) else owner)


def changes(tree: ast.Module, wanted: set[str]) -> Iterator[tuple[str, str, Change]]:
    """Every change to the definitions `wanted` of a module, with its function, and its operator and number."""
    counts: dict[tuple[str, str], int] = {}
    for owner, definition in definitions(tree):
        if owner not in wanted:
            continue
        for function, node in _inside(definition, owner):
            for operator, make in OPERATORS.items():
                for change in make(node):
                    number = counts[function, operator] = counts.get((function, operator), 0) + 1
                    yield function, f"{operator}:{number}", change


def mutants(file: str, tree: ast.Module, wanted: set[str]) -> list[Mutant]:
    """Every mutant of a file, in order."""
    made = []
    for function, name, change in changes(tree, wanted):
        before, after = _shown(change)
        line = next((each.lineno for each in (change.old, change.parent) if isinstance(each, (ast.stmt, ast.expr))), 0)
        made.append(Mutant(f"{file}:{function}:{name}", file, function, name.partition(":")[0], line, before, after))
    return made


def _shown(change: Change) -> tuple[str, str]:
    """The piece of code around a change, before and after, each in one line."""
    if isinstance(change.parent, ast.stmt) and change.field in ("body", "orelse"):
        old, new = (ast.unparse(each) if each else "" for each in (change.old, change.new))
    elif isinstance(change.old, ast.Call) and change.new is None:  # a row of a long table
        old, new = ast.unparse(change.old), ""
    else:
        parent = copy.deepcopy(change.parent)
        old = ast.unparse(parent)
        apply(change._replace(parent=parent))
        new = ast.unparse(parent)
    return " ".join(old.split()), " ".join(new.split())


def apply(change: Change) -> None:
    """Make a change to its tree."""
    parent, field, index, old, new = change
    if index is None:
        setattr(parent, field, new)
        return
    there = list(getattr(parent, field))
    there[index : index + (old is not None)] = [new] if new else []
    setattr(parent, field, there)
    if isinstance(parent, ast.Dict):
        parent.values = [value for number, value in enumerate(parent.values) if number != index or new]


def mutate(source: str, wanted: set[str], name: str) -> ast.Module:
    """The tree of a module with the one change that `name` (an ID without its file) stands for. Raises KeyError."""
    tree = ast.parse(source)
    for function, number, change in changes(tree, wanted):
        if f"{function}:{number}" == name:
            apply(change)
            return ast.fix_missing_locations(tree)
    raise KeyError(name)
