"""Every table, in one import: a process that writes any row must know what its foreign keys lead to."""

from models import access, environment, operation_run, restore, review, saved_view

TABLES = (access, environment, operation_run, restore, review, saved_view)
