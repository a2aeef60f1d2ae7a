"""The schema of a PostgreSQL database as lines of text, in the form of golden/schemas.json."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa

GOLDEN = Path(__file__).parent / "golden"

_TABLES = """
    SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relkind NOT IN ('i', 'I', 't', 'c')
"""
_COLUMNS = """
    SELECT a.attnum || ' ' || a.attname || ' ' || t.typname
        || CASE WHEN a.attnotnull THEN ' NN' ELSE '' END
        || coalesce(' D ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = :table AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
# newer servers list NOT NULL among the constraints
_CONSTRAINTS = """
    SELECT 'C ' || conname || ': ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = :table AND contype IN ('p', 'u', 'f', 'c')
"""
_INDEXES = """
    SELECT 'I ' || pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = :table
"""

Schema = dict[str, list[str]]


def read(conn: sa.Connection, schema: str) -> Schema:
    """Return all that holds columns in the schema: name to lines."""
    found = conn.execute(sa.text(_TABLES), {"schema": schema}).all()

    def lines(query: str, oid: int) -> list[str]:
        return list(conn.scalars(sa.text(query), {"table": oid}))

    return {
        name: lines(_COLUMNS, oid) + sorted(lines(_CONSTRAINTS, oid)) + sorted(lines(_INDEXES, oid))
        for oid, name in found
    }


def golden(chain: str) -> list[Schema]:
    """Return the Go service's schema at each version of the chain, from 0 on."""
    schemas: list[Schema] = [{"migration_info": ["1 version int4 NN"]}]
    for changes in json.loads((GOLDEN / "schemas.json").read_text())[chain]:
        merged = schemas[-1] | changes
        schemas.append({name: lines for name, lines in merged.items() if lines is not None})
    return schemas
