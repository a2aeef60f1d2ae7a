"""Public keys that verify JWTs, reloaded when their file changes."""

from __future__ import annotations

import logging
import threading
import weakref
from pathlib import Path
from typing import Any

from ..config.options import ServerConfig
from ..errors import ConfigError

# seconds between checks of the file, in a thread, so that a slow disk does not delay requests
POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


class KeyFile:
    """One key in PEM, or a set of keys (JWKS) of which the token names one."""

    def __init__(self, config: ServerConfig) -> None:
        name = config.jwt_key_file or config.jwt_jwks_file
        self._option = "server.jwt_key_file" if config.jwt_key_file else "server.jwt_jwks_file"
        if not name:
            raise ConfigError(
                "server.auth_type is jwt: server.jwt_key_file or server.jwt_jwks_file is needed"
            )
        self._path = Path(name)
        self._text = ""
        self._failure = ""
        try:
            self._read()
        except Exception as error:
            raise ConfigError(self._unusable(error)) from error
        threading.Thread(target=_poll, args=(weakref.ref(self),), daemon=True).start()

    def candidates(self, kid: object) -> list[Any]:
        """Return the keys of this id; all of them when the token names none."""
        import jwt

        found = [key for name, key in self._keys if kid is None or name is None or name == kid]
        if not found:
            raise jwt.InvalidKeyError("no key has the token's kid")
        return found

    def refresh(self) -> None:
        """Reload the file; if it is unusable, keep the present keys and log that once."""
        try:
            changed = self._read()
        except Exception as error:  # the libraries raise many exceptions for invalid files
            failure = self._unusable(error)
            if failure != self._failure:
                log.error("%s; the keys read before stay in use", failure)
            self._failure = failure
            return
        if changed or self._failure:
            log.info("%s: keys are read again from '%s'", self._option, self._path)
        self._failure = ""

    def _read(self) -> bool:
        """Read the file; return True if it has changed."""
        text = self._path.read_text()
        if text == self._text:
            return False
        self._keys = self._parse(text)
        self._text = text
        return True

    def _parse(self, text: str) -> list[tuple[str | None, Any]]:
        import jwt
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if self._option == "server.jwt_jwks_file":
            return [(key.key_id, key) for key in jwt.PyJWKSet.from_json(text).keys]
        if not text.strip():
            raise ValueError("the file is empty")
        if "BEGIN PUBLIC KEY" in text:
            load_pem_public_key(text.strip().encode())
        return [(None, text.strip())]

    def _unusable(self, error: Exception) -> str:
        return f"{self._option}: cannot read keys from '{self._path}': {error}"


def _poll(reference: weakref.ref[KeyFile]) -> None:
    """Refresh the keys until they are garbage collected."""
    pause = threading.Event()
    while not pause.wait(POLL_SECONDS):
        keys = reference()
        if keys is None:
            return
        keys.refresh()
        del keys
