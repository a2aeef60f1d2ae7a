"""SSL contexts of PostgreSQL connections from the `ssl*` parameters of libpq and Go's lib/pq."""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..config import pg_params
from ..errors import ConfigError

_ROOT, _CERTIFICATE, _KEY, _REVOKED = "root.crt", "postgresql.crt", "postgresql.key", "root.crl"


class HostContext(ssl.SSLContext):
    """A context that sends and verifies a host name other than the address connected to.

    `host` is the server name; None sends no SNI. Without it, the address is the server name.
    """

    host: str | None = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Wrap with the server name."""
        name = server_hostname if self.host == "" else self.host
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


def context(parameters: Mapping[str, str], host: str | None = "") -> HostContext:
    """Return the context for the modes require, verify-ca and verify-full.

    Raise ConfigError with the name of an unusable file. Without `sslrootcert`, and without
    ~/.postgresql/root.crt, the system's authorities are trusted, as by the Go service.
    """
    found = dict(parameters)
    mode = found["sslmode"]
    result = HostContext(ssl.PROTOCOL_TLS_CLIENT)
    result.host = host if pg_params.flag(found, "sslsni") else None
    result.check_hostname = mode == "verify-full"
    trusted = _trust(result, found)
    if mode == "require" and not trusted:
        result.verify_mode = ssl.CERT_NONE
    _limit_versions(result, found)
    _check_revocation(result, found)
    _present_certificate(result, found)
    with contextlib.suppress(NotImplementedError):
        result.set_alpn_protocols(["postgresql"])
    return result


def client_files(parameters: Mapping[str, str]) -> dict[str, str]:
    """Check and return the files of the client certificate; empty without a certificate."""
    if parameters.get("sslcertmode") == "disable":
        return {}
    certificate = _named_or_usual(parameters, "sslcert", _CERTIFICATE)
    if certificate is None:
        return {}
    files = {"sslcert": str(certificate)}
    if key := _named_or_usual(parameters, "sslkey", _KEY):
        _check_permissions(key)
        files["sslkey"] = str(key)
    return files


def _trust(result: ssl.SSLContext, found: Mapping[str, str]) -> bool:
    """Load the CA certificates; return True if they are configured, False for the system's."""
    if pg_params.flag(dict(found), "sslinline") and "sslrootcert" in found:
        with _reading("sslrootcert", "its text"):
            result.load_verify_locations(cadata=found["sslrootcert"])
        return True
    if found.get("sslrootcert") == "system":
        result.load_default_certs()
        return True
    file = _named_or_usual(found, "sslrootcert", _ROOT)
    if file is None:
        result.load_default_certs()
        return False
    with _reading("sslrootcert", f"'{file}'"):
        result.load_verify_locations(cafile=file)
    return True


def _limit_versions(result: ssl.SSLContext, found: Mapping[str, str]) -> None:
    result.minimum_version = _version(found.get("ssl_min_protocol_version", "TLSv1.2"))
    if "ssl_max_protocol_version" in found:
        result.maximum_version = _version(found["ssl_max_protocol_version"])


def _version(name: str) -> ssl.TLSVersion:
    return ssl.TLSVersion[name.replace(".", "_").removesuffix("_0")]


def _check_revocation(result: ssl.SSLContext, found: Mapping[str, str]) -> None:
    """Load the CRLs and enable the check, which OpenSSL does not do by itself."""
    folder = found.get("sslcrldir")
    file = _named_or_usual(found, "sslcrl", _REVOKED)
    if folder:
        _check_readable("sslcrldir", Path(folder))
        result.load_verify_locations(capath=folder)
    if file:
        with _reading("sslcrl", f"'{file}'"):
            result.load_verify_locations(cafile=file)
    if folder or file:
        result.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _present_certificate(result: ssl.SSLContext, found: Mapping[str, str]) -> None:
    password = found.get("sslpassword", "")
    if pg_params.flag(dict(found), "sslinline") and "sslcert" in found:
        text = f"{found['sslcert']}\n{found['sslkey']}\n"
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(text)
            file.flush()
            with _reading("sslcert", "its text"):
                result.load_cert_chain(file.name, password=password)
        return
    files = client_files(found)
    if files:
        with _reading("sslcert", f"'{files['sslcert']}' with key '{files.get('sslkey', '')}'"):
            result.load_cert_chain(files["sslcert"], files.get("sslkey"), password=password)


def _named_or_usual(found: Mapping[str, str], name: str, usual: str) -> Path | None:
    """Return the file that the parameter names, else the one in ~/.postgresql if it exists."""
    if name in found:
        file = Path(found[name])
        _check_readable(name, file)
        return file
    home = os.path.expanduser("~")
    if not home.startswith("/"):
        return None
    file = Path(home, ".postgresql", usual)
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(name, f"'{file}'", error) from error
    _check_readable(name, file)
    return file


def _check_readable(name: str, path: Path) -> None:
    with _reading(name, f"'{path}'"):
        if path.is_dir():
            os.listdir(path)
        else:
            path.open("rb").close()


def _check_permissions(key: Path) -> None:
    """Reject a private key that others may read, as libpq and lib/pq do."""
    status = key.stat()
    allowed = 0o640 if status.st_uid == 0 else 0o600
    if stat.S_IMODE(status.st_mode) & ~(allowed | 0o100):
        raise ConfigError(
            f"sslkey: '{key}' has mode {stat.S_IMODE(status.st_mode):04o}; "
            "0600 or less expected, or 0640 if root owns it"
        )


@contextlib.contextmanager
def _reading(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise _unusable(name, what, error) from error


def _unusable(name: str, what: str, error: Exception) -> ConfigError:
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigError(f"{name}: cannot use {what}: {reason}")
