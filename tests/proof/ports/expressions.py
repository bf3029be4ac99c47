"""Evaluates the project's own SQL conditions and values over rows in memory, as PostgreSQL would."""

import operator
import re
from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any, Final

from sqlalchemy import BindParameter
from sqlalchemy.sql import elements, operators
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.schema import Column

# The rows that an expression reads, by table name; each by column name.
Rows = Mapping[str, Mapping[str, Any]]

# JSON's null inside a document, which is not SQL's NULL.
JSON_NULL: Final = object()

_COMPARE: Final[Mapping[Any, Callable[[Any, Any], Any]]] = {
    operators.eq: operator.eq,
    operators.ne: operator.ne,
    operators.lt: operator.lt,
    operators.le: operator.le,
    operators.gt: operator.gt,
    operators.ge: operator.ge,
    operators.in_op: lambda one, many: one in many,
    operators.between_op: lambda value, ends: ends[0] <= value <= ends[1],
}


def holds(condition: Any, rows: Rows) -> bool:
    """Return whether a WHERE clause holds: NULL does not, and no clause does."""
    return condition is None or evaluate(condition, rows) is True


@singledispatch
def evaluate(expression: Any, rows: Rows) -> Any:
    """Return the value of an SQL expression; None is NULL. Raises NotImplementedError for other SQL."""
    raise NotImplementedError(f"{type(expression).__name__}: {expression}")


@evaluate.register
def _(expression: BindParameter, _: Rows) -> Any:  # type: ignore[type-arg]
    return expression.effective_value


@evaluate.register
def _(_: elements.Null, __: Rows) -> None:
    return None


@evaluate.register
def _(expression: elements.Grouping, rows: Rows) -> Any:  # type: ignore[type-arg]
    return evaluate(expression.element, rows)


@evaluate.register
def _(expression: elements.ClauseList, rows: Rows) -> Any:
    return [evaluate(clause, rows) for clause in expression.clauses]


@evaluate.register
def _(expression: elements.ExpressionClauseList, rows: Rows) -> Any:  # type: ignore[type-arg]
    values = [evaluate(clause, rows) for clause in expression.clauses]
    if expression.operator not in {operators.and_, operators.or_}:
        return values
    deciding = expression.operator is operators.or_
    if deciding in values:
        return deciding
    return None if None in values else not deciding


@evaluate.register
def _(expression: elements.UnaryExpression, rows: Rows) -> Any:  # type: ignore[type-arg]
    value = evaluate(expression.element, rows)
    if expression.operator not in {operators.inv, operators.is_false}:
        raise NotImplementedError(str(expression))
    return None if value is None else not value


@evaluate.register
def _(expression: Column, rows: Rows) -> Any:  # type: ignore[type-arg]
    return rows[str(expression.table)][expression.name]


@evaluate.register
def _(expression: elements.TextClause, rows: Rows) -> bool:
    (row,) = rows.values()
    return holds_text(expression.text, row)


@evaluate.register
def _(expression: elements.BinaryExpression, rows: Rows) -> Any:  # type: ignore[type-arg]
    left, right = evaluate(expression.left, rows), evaluate(expression.right, rows)
    by = expression.operator
    if by in {operators.is_, operators.is_not}:
        return (left is right) is (by is operators.is_)
    if by is operators.is_distinct_from:
        return left != right
    if by in {operators.json_path_getitem_op, operators.json_getitem_op}:
        return _at(left, right)
    if isinstance(by, operators.custom_op):
        return _custom(by.opstring, left, right)
    if left is None or right is None:
        return None
    return _COMPARE[by](left, right)


@evaluate.register
def _(expression: FunctionElement, rows: Rows) -> Any:  # type: ignore[type-arg]
    arguments = [evaluate(clause, rows) for clause in expression.clauses]
    match expression.name:
        case "jsonb_set":
            document, path, value = arguments
            return None if value is None else _with(document, path, value)
        case "jsonb_build_object":
            values = (None if value is JSON_NULL else value for value in arguments[1::2])
            return dict(zip(arguments[::2], values, strict=True))
        case "jsonb_array_length":
            return len(arguments[0])
        case "coalesce":
            return next((value for value in arguments if value is not None), None)
    raise NotImplementedError(str(expression))


def _custom(sign: str, left: Any, right: Any) -> Any:
    if sign in {"#>>", "->>"}:
        value = _at(left, right)
        return None if value is JSON_NULL else value
    if left is None or right is None:
        return None
    if sign == "||":
        return [*left, *right] if isinstance(left, list) else {**left, **right}
    if sign == "-" and isinstance(left, Mapping):
        return {key: value for key, value in left.items() if key != right}
    if sign == "@>" and isinstance(left, list):
        return all(item in left for item in right)
    raise NotImplementedError(sign)


def _at(document: Any, path: Any) -> Any:
    for key in path if isinstance(path, list | tuple) else [path]:
        document = _member(document, key)
        if document is None:
            return None
    return document


def _member(document: Any, key: str) -> Any:
    """Return what a document has under a key; None where it has none."""
    if isinstance(document, list) and int(key) < len(document):
        found = document[int(key)]
    elif isinstance(document, Mapping) and key in document:
        found = document[key]
    else:
        return None
    return JSON_NULL if found is None else found


def _with(document: Any, path: Any, value: Any) -> Any:
    key, *rest = path
    if rest and _member(document, key) is None:
        return document
    if isinstance(document, list):
        inner = _with(document[int(key)], rest, value) if rest else value
        return [*document[: int(key)], inner, *document[int(key) + 1 :]]
    return {**document, key: _with(document[key], rest, value) if rest else value}


_PATH: Final = re.compile(r"context #>>? '\{([a-z_,]+)\}'")
_PYTHON: Final = {
    "IS NOT NULL": "not in absent",
    "IS NULL": "in absent",
    " = ": " == ",
    " AND ": " and ",
    " IN ": " in ",
}


def holds_text(condition: str, row: Mapping[str, Any]) -> bool:
    """Return whether a condition of an index holds, which is written as text."""
    paths = [path.split(",") for path in _PATH.findall(condition)]
    values = {f"at{number}": _at(row["context"], path) for number, path in enumerate(paths)}
    names = iter(values)
    python = _PATH.sub(lambda _: next(names), condition)
    for sql, word in _PYTHON.items():
        python = python.replace(sql, word)
    absent = {"absent": (None, JSON_NULL), "__builtins__": {}}
    return bool(eval(python, absent, {**row, **values}))  # noqa: S307 - the project's own constants
