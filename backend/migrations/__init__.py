"""The steps that a database has gone through, in order. Each has `VERSION` and `upgrade(connection)`."""

from backend.migrations import m0001_records

STEPS = (m0001_records,)
