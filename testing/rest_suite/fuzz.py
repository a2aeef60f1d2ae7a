"""--fuzz: schemathesis makes requests from the API description that the instance serves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from .api import Api, Session
from .case import READ
from .checks import CheckFailed
from .contract import OPERATIONS
from .probe import UsageError
from .result import Outcome, Result

GROUP = "fuzz"
CHECKS = (
    "not_a_server_error,status_code_conformance,"
    "content_type_conformance,response_schema_conformance"
)
GRACE_SECONDS = 120
LONGEST = 20_000
_NAME = re.compile(r"\{\w+\}")


def program() -> str:
    """Return where schemathesis is; raise UsageError when it is not installed."""
    beside = Path(sys.executable).with_name("schemathesis")
    found = str(beside) if beside.exists() else shutil.which("schemathesis")
    if not found:
        raise UsageError("--fuzz needs schemathesis: pip install 'schemathesis>=4'")
    return found


def fuzzed(session: Session, seconds: int) -> Result:
    """Send generated requests for so long; only operations that read, because data are random."""
    result = Result(
        GROUP, "schemathesis", "generated requests get documented answers", Outcome.PASSED
    )
    try:
        document = reading_only(Api(session).ok("openapi"))
    except CheckFailed as error:
        return replace(result, outcome=Outcome.FAILED, reason=str(error))
    if not document["paths"]:
        reason = "openapi.json of the instance describes no operation"
        return replace(result, outcome=Outcome.SKIPPED, reason=reason)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "openapi.json")
        file.write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run(
            _command(session, file, seconds),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
    output = done.stdout.decode("utf-8", "replace")[-LONGEST:]
    if done.returncode == 0:
        return result
    return replace(result, outcome=Outcome.FAILED, reason=output)


def reading_only(document: dict[str, Any]) -> dict[str, Any]:
    """Return an API description without what writes, deletes or is not in the contract."""
    known = {
        (operation.method.lower(), _NAME.sub("{}", operation.path))
        for operation in OPERATIONS.values()
        if operation.kind == READ
    }
    paths = {}
    for path, item in document["paths"].items():
        shape = _NAME.sub("{}", path.lstrip("/"))
        methods = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
        kept = {k: v for k, v in item.items() if k not in methods or (k, shape) in known}
        if any(key in methods for key in kept):
            paths[path] = kept
    return {**document, "paths": paths}


def _command(session: Session, file: Path, seconds: int) -> list[str]:
    connection = session.client.connection
    headers = {**connection.headers, **session.credentials.headers(None)}
    verify = str(connection.verify)
    if isinstance(connection.verify, bool):
        verify = verify.lower()
    return [
        program(), "run", str(file),
        "--url", connection.url + session.instance.prefix.rstrip("/"),
        "--max-time", str(seconds), "--checks", CHECKS, "--workers", "1", "--no-color",
        "--request-timeout", str(connection.timeout), "--tls-verify", verify,
        *(word for name, value in headers.items() for word in ("-H", f"{name}: {value}")),
    ]  # fmt: skip
