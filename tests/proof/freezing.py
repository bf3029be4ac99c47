"""Objects by value: two that behave the same are equal, and an object of an unknown kind only to itself."""

import functools
from _thread import LockType
from collections.abc import Mapping
from datetime import date, timedelta
from enum import Enum
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any
from uuid import UUID

import pygit2
from pydantic import BaseModel
from sqlalchemy import ClauseElement

from models.base import Base
from tests.proof.ports.rows import Row

_VALUES = (str, bytes, int, float, bool, type(None), UUID, date, timedelta, Enum, type, ModuleType, Row)
# What processes share, or make of their other variables alone.
_THE_SAME = (pygit2.Repository, BuiltinFunctionType, ClauseElement, LockType)


class Alone:
    """Stands for an object whose behaviour is not known from its parts: equal to nothing else."""


def freeze(value: Any) -> Any:
    """Return a hashable value that is equal for objects that behave the same."""
    return _Freezer().freeze(value)


class _Freezer:
    def __init__(self) -> None:
        # What is known already, by identity; the objects are kept, so that no other takes over an identity.
        self._known: dict[int, tuple[Any, Any]] = {}

    def freeze(self, value: Any) -> Any:
        if isinstance(value, _VALUES):
            return value
        if isinstance(value, _THE_SAME):
            return type(value)
        if id(value) not in self._known:
            # Where an object leads back to itself, its place among the others stands for it.
            self._known[id(value)] = (len(self._known), value)
            self._known[id(value)] = (self._parts(value), value)
        return self._known[id(value)][0]

    def _parts(self, value: Any) -> Any:
        freeze = self.freeze
        if isinstance(value, Base):
            return value.__dict__.get("row") or Alone()
        if isinstance(value, tuple | list):
            return type(value), tuple(map(freeze, value))
        if isinstance(value, set | frozenset):
            return type(value), frozenset(map(freeze, value))
        if isinstance(value, Mapping):
            return type(value), tuple((freeze(key), freeze(each)) for key, each in value.items())
        if isinstance(value, BaseModel):
            return type(value), freeze(value.__dict__)
        return self._code(value)

    def _code(self, value: Any) -> Any:
        freeze = self.freeze
        if isinstance(value, MethodType):
            return value.__func__, freeze(value.__self__)
        if isinstance(value, FunctionType):
            cells = tuple(freeze(cell.cell_contents) for cell in value.__closure__ or ())
            return value.__code__, cells, freeze(value.__defaults__)
        if isinstance(value, functools.partial):
            return functools.partial, freeze([value.func, value.args, value.keywords])
        if callable(getattr(value, "frozen", None)):
            return type(value), value.frozen()
        if isinstance(value, BaseException):
            return type(value), freeze(value.args), freeze(value.__cause__)
        if isinstance(value, GeneratorType):
            return value.gi_code, value.gi_frame and (value.gi_frame.f_lasti, freeze(value.gi_frame.f_locals))
        if type(value).__name__.endswith("_iterator"):
            return type(value), freeze(value.__reduce__())
        return (type(value), freeze(value.__dict__)) if hasattr(value, "__dict__") else Alone()
