"""Destinations of an export: a folder, or a bucket of S3; files appear whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from ..errors import AggregatorError, InvalidInput, Unavailable
from .formats import MissingExtra

S3 = "s3://"
# S3 takes 10,000 parts: files of up to 156 GiB
PART_BYTES = 16 * 1024 * 1024
_TEMPORARY = ".part"
_BINARY = "application/octet-stream"
_CONTENT_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".txt": "text/plain",
}


class Place(Protocol):
    """Where files go. Every method raises an AggregatorError that names the file."""

    def create(self, name: str) -> contextlib.AbstractContextManager[io.RawIOBase]:
        """Give a stream; the file appears at the end of the block, unless that raises."""

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, None if there is none."""


def place(target: str, endpoint_url: str = "") -> Place:
    """Return the destination for a folder or `s3://bucket/prefix`; raise AggregatorError."""
    if not target.startswith(S3):
        return Folder(Path(target))
    bucket, _, prefix = target.removeprefix(S3).partition("/")
    if not bucket:
        raise InvalidInput(f"s3://bucket/prefix expected, not '{target}'")
    return Bucket(bucket, prefix, endpoint_url)


class Folder:
    """Files in a folder, which is created; each is written beside its place and renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self._named(""):
            folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[io.RawIOBase]:
        """Give a stream; rename the file at the end, remove it if the block raises."""
        temporary = self._folder / f".{name}{_TEMPORARY}"
        try:
            with self._named(name):
                file = temporary.open("wb", buffering=0)
            with file:
                yield _File(file, lambda: self._named(name))
                with self._named(name):
                    os.fsync(file.fileno())
            with self._named(name):
                temporary.replace(self._folder / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def read(self, name: str) -> bytes | None:
        """Return the content, None if there is no such file."""
        with self._named(name), contextlib.suppress(FileNotFoundError):
            return (self._folder / name).read_bytes()
        return None

    @contextlib.contextmanager
    def _named(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            path = self._folder / name
            raise AggregatorError(f"'{path}': {error.strerror or error}") from error


class _File(io.RawIOBase):
    """A file as a stream that writes all it is given."""

    def __init__(
        self, file: io.FileIO, named: Callable[[], contextlib.AbstractContextManager[None]]
    ) -> None:
        self._file = file
        self._named = named

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        rest = memoryview(data)
        with self._named():
            while rest:
                # a disk that becomes full takes a part, and then raises
                rest = rest[self._file.write(rest) :]
        return len(data)


class Bucket:
    """Objects in a bucket of S3; each is a multipart upload that is completed at the end."""

    def __init__(self, bucket: str, prefix: str, endpoint_url: str) -> None:
        try:
            import boto3
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError:
            raise MissingExtra(
                "S3 needs the package boto3: pip install 'insights-results-aggregator[s3]'"
            ) from None
        self._failures = (BotoCoreError, ClientError)
        self._bucket = bucket
        self._prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
        with self._named(""):
            self._client = boto3.client("s3", endpoint_url=endpoint_url or None)

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[io.RawIOBase]:
        """Give a stream; complete the upload at the end, abort it if the block raises."""
        upload = _Upload(self._client, self._bucket, self._prefix + name, lambda: self._named(name))
        try:
            yield upload
            upload.complete()
        except BaseException:
            # the bucket's rule for incomplete uploads deletes what cannot be aborted now
            with contextlib.suppress(Exception):
                upload.abort()
            raise

    def read(self, name: str) -> bytes | None:
        """Return the content, None if there is no such object."""
        with self._named(name):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except self._client.exceptions.NoSuchKey:
                return None
            content: bytes = answer["Body"].read()
            return content

    @contextlib.contextmanager
    def _named(self, name: str) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise Unavailable(f"{S3}{self._bucket}/{self._prefix}{name}: {error}") from error


class _Upload(io.RawIOBase):
    """A multipart upload as a stream; a small object is one request."""

    def __init__(
        self,
        client: Any,
        bucket: str,
        key: str,
        named: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        self._client = client
        self._object = {"Bucket": bucket, "Key": key}
        self._type = {"ContentType": _CONTENT_TYPES.get(Path(key).suffix, _BINARY)}
        self._named = named
        self._buffer = bytearray()
        self._upload: dict[str, str] = {}
        self._parts: list[dict[str, Any]] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._buffer += data
        while len(self._buffer) >= PART_BYTES:
            self._send(bytes(self._buffer[:PART_BYTES]))
            del self._buffer[:PART_BYTES]
        return len(data)

    def complete(self) -> None:
        """Let the object appear."""
        with self._named():
            if not self._upload:
                self._client.put_object(**self._object, **self._type, Body=bytes(self._buffer))
                return
        if self._buffer:
            self._send(bytes(self._buffer))
        with self._named():
            self._client.complete_multipart_upload(
                **self._object, **self._upload, MultipartUpload={"Parts": self._parts}
            )
        self._upload = {}

    def abort(self) -> None:
        """Discard what was sent."""
        if self._upload:
            self._client.abort_multipart_upload(**self._object, **self._upload)

    def _send(self, part: bytes) -> None:
        with self._named():
            if not self._upload:
                started = self._client.create_multipart_upload(**self._object, **self._type)
                self._upload = {"UploadId": started["UploadId"]}
            number = len(self._parts) + 1
            sent = self._client.upload_part(
                **self._object, **self._upload, PartNumber=number, Body=part
            )
        self._parts.append({"ETag": sent["ETag"], "PartNumber": number})
