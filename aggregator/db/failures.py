"""Classification of database errors: transient, caused by the record, or database unavailable."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import AggregatorError, RecordRejected, Unavailable

# SQLSTATE classes that a record can cause: data exception, integrity constraint violation,
# program limit exceeded. Statements are constant, so the database causes every other error:
# permissions, a missing column, a trigger, a full disk, a lock
_OF_RECORD = ("22", "23", "54")
_OF_RECORD_SQLITE = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH)

# the server ended the connection, or the connection was lost
_LOST = ("08", "57P01", "57P02", "57P05", "25P03")
# the connection leads to a server that became a replica
READ_ONLY = "25006"
# prepared statements or cursors of the session differ from those that the driver expects
_OUT_OF_STEP = ("26000", "42P05", "34000")
# deadlock or serialization failure: the server rolled the transaction back
_ROLLED_BACK = "40"


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Translate driver errors raised in this block into Unavailable or RecordRejected."""
    try:
        yield
    except Exception as error:
        if (meaning := _meaning(error)) is None:
            raise
        raise meaning from error


def driver_error(error: BaseException) -> BaseException:
    """Return the error of asyncpg or sqlite3 below those of SQLAlchemy."""
    if isinstance(error, StatementError) and error.orig is not None:
        error = error.orig
        # SQLAlchemy's adapter of asyncpg raises errors of its own, not all with a SQLSTATE
        return error.__cause__ if isinstance(error.__cause__, Exception) else error
    return error


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of a driver error, or an empty text."""
    return str(getattr(error, "sqlstate", None) or "")


def is_lost(error: BaseException) -> bool:
    """Return True if the error means that the connection is lost."""
    if isinstance(error, asyncpg.InternalClientError):
        return True
    if isinstance(error, asyncpg.InterfaceError):
        return not _is_encoding(error)
    return isinstance(error, OSError) or sqlstate(error).startswith(_LOST)


def is_out_of_step(error: BaseException) -> bool:
    """Return True if the session's prepared statements differ from what the driver expects."""
    return sqlstate(error) in _OUT_OF_STEP


def is_of_record(error: BaseException) -> bool:
    """Return True if the statement's values cause the error, on whichever server it runs."""
    return _is_of_record(driver_error(error))


def is_rolled_back(error: BaseException) -> bool:
    """Return True after a deadlock, a serialization failure or a conflict with replication."""
    return sqlstate(driver_error(error)).startswith(_ROLLED_BACK)


def reason(error: BaseException) -> str:
    """Return the text of a database error, with its SQLSTATE."""
    meaning = _meaning(error) if isinstance(error, Exception) else None
    return str(meaning or error).removeprefix("database: ")


def is_transient(error: BaseException) -> bool:
    """Return True if an immediate retry of the statement may succeed.

    The connection was lost, leads to a replica, or holds a plan that DDL invalidated; or the
    server rolled the transaction back (deadlock, serialization failure).
    """
    error = driver_error(error)
    if isinstance(error, TimeoutError | ConnectionRefusedError):
        return False
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError)
    if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        return True
    state = sqlstate(error)
    return (
        is_lost(error)
        or is_out_of_step(error)
        or state == READ_ONLY
        or state.startswith(_ROLLED_BACK)
    )


def _meaning(error: Exception) -> Unavailable | RecordRejected | None:
    """Return the error as RecordRejected or Unavailable; None if it is not a database error."""
    if isinstance(error, AggregatorError):
        return None
    if isinstance(error, PoolTimeout):
        return Unavailable("database: no connection is free")
    cause = driver_error(error)
    if _is_of_record(cause):
        return RecordRejected(str(cause))
    if isinstance(error, DBAPIError) or _is_of_driver(cause):
        return Unavailable(f"database: {_reason(cause)}")
    if isinstance(error, SQLAlchemyError):
        return None
    if isinstance(error, OSError | TimeoutError):
        return Unavailable(f"database: {str(error) or 'no answer in time'}")
    return None


def _is_of_record(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_RECORD_SQLITE
    # text with lone surrogates, a number beyond 64 bits
    if isinstance(error, UnicodeEncodeError | OverflowError) or _is_encoding(error):
        return True
    return sqlstate(error).startswith(_OF_RECORD)


def _is_encoding(error: BaseException) -> bool:
    """Return True if asyncpg could not encode a value: a ValueError among its interface errors."""
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


def _is_of_driver(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) or type(error).__module__.startswith("asyncpg.")


def _reason(error: BaseException) -> str:
    state = sqlstate(error)
    return f"{error} (SQLSTATE {state})" if state else str(error) or type(error).__name__
