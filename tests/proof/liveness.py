"""Which local variables a suspended frame may still read."""

import dis
from collections.abc import Iterable, Sequence
from functools import cache
from types import CodeType

_TARGETS = {"STORE_FAST", "UNPACK_SEQUENCE", "CACHE"}
_ENDS = {"RETURN_VALUE", "RAISE_VARARGS", "RERAISE"}


@cache
def live_at(code: CodeType, offset: int, lines: tuple[int, int]) -> frozenset[str]:
    """Return the local variables that code may read after an offset before it sets them.

    What the present statement, at `lines`, has read, it holds still; a loop's variable says how far it is.
    """
    flow = _Flow(code)
    always = {*code.co_cellvars, *code.co_freevars, *flow.read_within(lines), *flow.loop_variables()}
    return frozenset(always | {name for name in code.co_varnames if flow.reads(name, offset)})


class _Flow:
    def __init__(self, code: CodeType) -> None:
        self._instructions: Sequence[dis.Instruction] = list(dis.get_instructions(code, show_caches=True))
        self._at = {each.offset: number for number, each in enumerate(self._instructions)}
        self._handlers = dis._parse_exception_table(code)  # type: ignore[attr-defined]

    def read_within(self, lines: tuple[int, int]) -> set[str]:
        first, last = lines
        return {
            each.argval
            for each in self._instructions
            if each.opname == "LOAD_FAST"
            and first <= ((each.positions and each.positions.lineno) or 0) <= last
        }

    def loop_variables(self) -> set[str]:
        found, in_target = set[str](), False
        for each in self._instructions:
            in_target = each.opname == "FOR_ITER" or (in_target and each.opname in _TARGETS)
            if in_target and each.opname == "STORE_FAST":
                found.add(each.argval)
        return found

    def reads(self, name: str, offset: int) -> bool:
        number = self._at[offset]
        waiting, seen = list(self._following(number)), set[int]()
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            each = self._instructions[number]
            if each.argval == name and each.opname in {"LOAD_FAST", "DELETE_FAST"}:
                return True
            if each.argval == name and each.opname == "STORE_FAST":
                waiting += self._handlers_of(each)
            else:
                waiting += self._following(number)
        return False

    def _following(self, number: int) -> Iterable[int]:
        each = self._instructions[number]
        if each.opname not in _ENDS and not each.opname.startswith(("JUMP_FORWARD", "JUMP_BACKWARD")):
            yield number + 1
        if each.opcode in dis.hasjrel or each.opcode in dis.hasjabs:
            yield self._at[each.argval]
        yield from self._handlers_of(each)

    def _handlers_of(self, each: dis.Instruction) -> Iterable[int]:
        return [self._at[entry.target] for entry in self._handlers if entry.start <= each.offset < entry.end]
