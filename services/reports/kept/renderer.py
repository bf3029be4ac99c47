import tempfile
from dataclasses import dataclass
from typing import BinaryIO

import structlog

from models.errors import ReportFailed, ReportTooLarge
from services.database.row_security import within
from services.database.session import Database
from services.reports.document import open_review
from services.reports.kept.child_process import render_in_child
from services.reports.kept.kept_files import WantedFile, claim, keep, record_problem, release
from services.reports.kept.review_file import write_review
from services.reports.packs.signing import PackSigner, sign_pack

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Renderer:
    """Renders a review's reports and packs, each once whoever requests it, and keeps them.

    The child runs with no transaction open. `signer` None: packs are not signed.
    """

    database: Database
    signer: PackSigner | None

    def render(self, wanted: WantedFile) -> None:
        """Render a file and keep it, or why it cannot be; do nothing where another process does so."""
        scope = within(frozenset({wanted.workspace_id}))
        with self.database.transaction(scope) as session:
            claimed = claim(session, wanted)
        if claimed is None:
            return
        try:
            with tempfile.TemporaryFile() as file:
                self._write(wanted, file)
                with self.database.transaction(scope) as session:
                    keep(session, claimed, wanted, file)
        except (ReportTooLarge, ReportFailed) as error:
            _log.warning(error.code, review_id=str(wanted.review_id), file=str(wanted.name), exc_info=error)
            with self.database.transaction(scope) as session:
                record_problem(session, claimed, error.code)
        except BaseException:
            with self.database.transaction(scope) as session:
                release(session, claimed)
            raise

    def _write(self, wanted: WantedFile, out: BinaryIO) -> None:
        scope = within(frozenset({wanted.workspace_id}))
        with tempfile.TemporaryFile() as review:
            with self.database.transaction(scope) as session:
                write_review(open_review(session, wanted.review_id), review)
            render_in_child(wanted.name, review, out)
        if wanted.name.form is None and self.signer:
            sign_pack(out, self.signer)
