"""models/errors.py: the tree drawn on top is that of the classes, and codes follow from their names."""

from collections.abc import Iterator

import pytest

from models import errors
from models.errors import OperationRunError

# What programs read in problems, in Temporal's histories and in `failures`: it stays to the letter.
CODES = {
    "already_completed", "cancelled", "conflict", "dispatch_failed", "encryption_key_missing",
    "environment_changed", "environment_unreachable", "forbidden", "idempotency_key_reused",
    "identity_provider_unreachable", "identity_refused", "invalid_input", "items_refused",
    "lifecycle_write_error", "no_decision", "not_found", "operation_run_error", "operation_stopped",
    "path_prefix_empty", "push_raced", "push_refused", "ref_not_found", "report_failed",
    "report_too_large", "repository_damaged", "repository_error", "repository_not_covered",
    "repository_too_large", "restore_in_progress",
    "review_base_moved", "run_refused", "settings_error", "start_unconfirmed", "subject_refused",
    "tables_locked", "token_expired", "too_many_fetches", "too_many_requests", "unauthenticated",
    "unknown_operation_type", "unknown_person",
}  # fmt: skip


def drawn(error: type[OperationRunError], indent: str = "") -> Iterator[str]:
    """Draw the tree below an error, as models/errors.py has it."""
    children = children_of(error)
    for child in children:
        is_last = child is children[-1]
        yield f"{indent}{'└' if is_last else '├'}── {child.__name__}"
        yield from drawn(child, indent + ("    " if is_last else "│   "))


def classes(error: type[OperationRunError] = OperationRunError) -> Iterator[type[OperationRunError]]:
    yield error
    for child in children_of(error):
        yield from classes(child)


def children_of(error: type[OperationRunError]) -> list[type[OperationRunError]]:
    """Return the classes below an error, in their order; not those that a border adds for itself."""
    return [child for child in error.__subclasses__() if child.__module__ == errors.__name__]


def without_remark(line: str) -> str:
    branch, name = line.split("── ")
    return f"{branch}── {name.split(maxsplit=1)[0]}"


def test_the_tree_on_top_is_that_of_the_classes() -> None:
    lines = (errors.__doc__ or "").strip().splitlines()
    first = lines.index(OperationRunError.__name__)
    assert [without_remark(line) for line in lines[first + 1 :]] == [*drawn(OperationRunError)], (
        "Draw the tree on top of models/errors.py as the classes stand, in their order."
    )


def test_every_code_is_known_and_no_two_are_one() -> None:
    codes = [error.code for error in classes()]
    assert sorted(codes) == sorted(CODES), (
        "A code is public: name the class after it, and list a new one here."
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [("RefNotFound", "ref_not_found"), ("Conflict", "conflict"), ("SomeError", "some_error")],
)
def test_a_code_follows_from_its_class(name: str, code: str) -> None:
    assert errors.code_of(name) == code


def test_an_error_of_one_border_alone_has_the_code_of_its_family() -> None:
    class OfABorder(errors.InvalidInput):
        pass

    assert OfABorder.code == "invalid_input"
