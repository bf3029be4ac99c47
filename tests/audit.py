from collections.abc import Sequence

from services.access import audit_chain
from services.access.audit_chain import ChainCheck
from services.database.session import Database


def verify_chains(database: Database) -> Sequence[ChainCheck]:
    """Verify every chain of a database's audit."""
    with database.transaction() as session:
        return audit_chain.verify_chains(session)
