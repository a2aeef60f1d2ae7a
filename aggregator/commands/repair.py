"""Repair of a message: edits it, and tells whether the service would accept and store it."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from ..config import loading
from ..config.allowlist import read_allowlist
from ..config.options import Config, StorageConfig
from ..db import tables as t
from ..db.engine import Database, connect
from ..db.sqlite import SqlitePlace
from ..errors import AggregatorError
from ..ingest.consumers import DVO, OCP, sources
from ..ingest.decode.dvo import DvoDecoder
from ..ingest.decode.message import Decoder, InvalidMessage
from ..ingest.decode.ocp import OcpDecoder
from ..ingest.decode.schema import Profile


def edited(offered: bytes) -> Path:
    """Open the text in the user's editor and return the file; raise AggregatorError."""
    with tempfile.NamedTemporaryFile(suffix=".json", delete=False) as file:
        file.write(offered)
    path, editor = Path(file.name), loading.editor()
    try:
        ended = subprocess.run([*shlex.split(editor), str(path)], check=False)
    except (OSError, ValueError) as error:
        path.unlink()
        raise AggregatorError(f"cannot start the editor '{editor}': {error}") from error
    if ended.returncode:
        path.unlink()
        raise AggregatorError(f"the editor '{editor}' ended with status {ended.returncode}")
    return path


async def reason_not_to_send(config: Config, topic: str, value: bytes) -> str:
    """Return why the service would reject or drop the message, or nothing; raise Unavailable."""
    kind = _kind(config, topic, value)
    try:
        decoded = _decoder(config, kind).decode(value)
    except InvalidMessage as error:
        return f"it is still invalid: {error.kind}: {error}"
    cluster, last_checked = decoded.envelope.cluster, decoded.envelope.last_checked
    stored = await _stored_at(config, kind, cluster)
    if stored is None or last_checked is None or last_checked > stored:
        return ""
    relation = "the same as" if last_checked == stored else "before"
    return (
        f"it is old: LastChecked {last_checked.isoformat()}Z is {relation} that of the stored "
        f"report of cluster {cluster} ({stored.isoformat()}Z), so the service would drop it"
    )


def _kind(config: Config, topic: str, value: bytes) -> str:
    """Return the kind of messages of the topic, or that of the message itself."""
    for use, (source, _) in zip(config.storage_backend.use, sources(config), strict=True):
        if source == topic and list(dict(sources(config))).count(topic) == 1:
            return use
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return OCP
    return DVO if isinstance(document, dict) and "Metrics" in document else OCP


def _decoder(config: Config, kind: str) -> Decoder:
    broker, strict = config.broker, config.processing.schema == "strict"
    allowlist = (
        read_allowlist(config.processing.org_allowlist_file)
        if broker.enable_org_allowlist
        else None
    )
    unpacked = broker.maximum_unpacked_size
    profile: Profile = "strict" if strict else "default"
    if kind == DVO:
        return DvoDecoder(allowlist, unpacked, profile)
    return OcpDecoder(allowlist, unpacked, profile)


async def _stored_at(config: Config, kind: str, cluster: str) -> datetime | None:
    """Return the newest LastChecked stored for the cluster, naive UTC; None if none is known."""
    section: StorageConfig = getattr(config, f"{kind}_storage")
    if section.type != "sql" or _in_memory(section):
        return None
    table = t.dvo_report if kind == DVO else t.report
    column = table.c.cluster_id if kind == DVO else table.c.cluster
    database = Database(connect(section))
    try:
        newest = sa.select(sa.func.max(table.c.last_checked_at)).where(
            column == sa.bindparam("cluster")
        )
        found: datetime | None = (await database.rows(newest, {"cluster": cluster}))[0][0]
        return found
    finally:
        await database.close()


def _in_memory(section: StorageConfig) -> bool:
    return section.db_driver == "sqlite3" and SqlitePlace(section.sqlite_datasource).in_memory
