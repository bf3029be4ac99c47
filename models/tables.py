"""Every table, in one import: a process that writes any row needs the tables of its foreign keys."""

from models import (
    access,
    connection,
    environment,
    operation_run,
    rendered_file,
    restore,
    review,
    saved_view,
)

TABLES = (access, connection, environment, operation_run, rendered_file, restore, review, saved_view)
