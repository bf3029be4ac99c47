from sqlalchemy import event, inspect
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, sessionmaker

from models.errors import LifecycleWriteError
from models.operation_run import LIFECYCLE_COLUMNS, OperationRun

# The name under which the writer announces itself: to this guard as an execution option, to PostgreSQL's
# trigger as the transaction-local setting `operationrun.writer`.
WRITER_OPTION = "operation_run_writer"
WRITER = "OperationRunService"


def guard(sessions: sessionmaker[Session]) -> None:
    """Refuse writes of a run that OperationRunService did not make (law L2), before they reach PostgreSQL."""
    event.listen(sessions, "before_flush", _refuse_flush)
    event.listen(sessions, "do_orm_execute", _refuse_statement)


def _refuse_flush(session: Session, _context: UOWTransaction, _instances: object) -> None:
    for row in (*session.new, *session.deleted):
        if isinstance(row, OperationRun):
            raise LifecycleWriteError
    for row in session.dirty:
        if isinstance(row, OperationRun) and _changed(row) & LIFECYCLE_COLUMNS:
            raise LifecycleWriteError


def _changed(run: OperationRun) -> set[str]:
    return {attribute.key for attribute in inspect(run).attrs if attribute.history.has_changes()}


def _refuse_statement(state: ORMExecuteState) -> None:
    writes = state.is_insert or state.is_update or state.is_delete
    if not writes or state.bind_mapper is None or state.bind_mapper.class_ is not OperationRun:
        return
    if state.execution_options.get(WRITER_OPTION) != WRITER:
        raise LifecycleWriteError
