"""The bytes of a recording: from a file or standard input, unpacked, with the kind of file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from peakfleet_sim.demand.demand import DemandError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Kind = Literal["text", "json", "xlsx", "parquet"]

STDIN: Final = Path("-")
_READS: Final = "CSV, JSON, xlsx or Parquet, plain or as gz, zip, bz2, xz or zst"
_MOST_BYTES: Final = 2**31
_MOST_LAYERS: Final = 3
_HEAD: Final = 4096
_PACKED: Final[tuple[tuple[bytes, str, Callable[[io.BytesIO], io.BufferedIOBase]], ...]] = (
    (b"\x1f\x8b", "gzip", lambda data: gzip.GzipFile(fileobj=data)),
    (b"BZh", "bzip2", bz2.BZ2File),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", "zstd", zstd.ZstdFile),
)
_BROKEN: Final = (
    EOFError, OSError, ValueError, NotImplementedError, zlib.error, lzma.LZMAError,
    zipfile.BadZipFile, zstd.ZstdError,
)  # fmt: skip
_TEXT_CONTROLS: Final = frozenset(b"\t\n\r\f")
_SUFFIXES: Final = frozenset(
    {".gz", ".bz2", ".xz", ".zst", ".zip", ".csv", ".tsv", ".txt", ".json", ".xlsx", ".parquet"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A recording's content, unpacked.

    Args:
        label: What messages call it: the path, or standard input.
        name: What charts call it: the file's name without its suffixes.
        kind: What the content is.
        data: The content; text is UTF-8 without a byte order mark.
    """

    label: str
    name: str
    kind: Kind
    data: bytes


def read_source(path: Path) -> Source:
    """Return what *path* holds; `-` is standard input.

    Raises:
        DemandError: It cannot be read, is cut off, holds several files, or is of no kind that is
            read.
    """
    label = "standard input" if path == STDIN else str(path)
    try:
        data = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    except OSError as error:
        raise DemandError(f"{label}: cannot be read: {error.strerror or error}") from error
    for _ in range(_MOST_LAYERS):
        unpacked = _unpacked(label, data)
        if unpacked is None:
            break
        data = unpacked
    if not data or data.isspace():
        raise DemandError(
            f"{label}: is empty; {_READS} with a time and a value in each row is read"
        )
    kind = _kind(data)
    return Source(
        label=label,
        name="demand" if path == STDIN else _name(path),
        kind=kind,
        data=data if kind in ("xlsx", "parquet") else _utf8(label, data),
    )


def _name(path: Path) -> str:
    name = path.name
    while (suffix := Path(name).suffix) and suffix.lower() in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _unpacked(label: str, data: bytes) -> bytes | None:
    """Return what *data* contains; None if it is no archive."""
    try:
        if data.startswith(b"PK") and _kind(data) == "text":
            return _only_member(label, data)
        for magic, _, opened in _PACKED:
            if data.startswith(magic):
                with opened(io.BytesIO(data)) as file:
                    return _limited(label, file.read)
    except DemandError:
        raise
    except _BROKEN as error:
        what = next((what for magic, what, _ in _PACKED if data.startswith(magic)), "zip")
        cut = isinstance(error, EOFError)
        raise DemandError(
            f"{label}: cannot be read as {what}: "
            f"{'it is cut off, copy the whole file again' if cut else error}"
        ) from error
    return None


def _limited(label: str, read: Callable[[int], bytes]) -> bytes:
    data = read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise DemandError(f"{label}: holds more than 2 GiB; cut it, or export a longer period")
    return data


def _only_member(label: str, data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [
            one.filename
            for one in archive.infolist()
            if not one.is_dir() and not one.filename.startswith("__MACOSX/")
        ]
        if len(names) != 1:
            found = ", ".join(names[:5]) or "none"
            raise DemandError(f"{label}: must hold one file, got {len(names)}: {found}; unpack it")
        if archive.getinfo(names[0]).flag_bits & 1:
            raise DemandError(f"{label}: is encrypted; unpack it")
        with archive.open(names[0]) as file:
            return _limited(label, file.read)


def _kind(data: bytes) -> Kind:
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"PK") and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "xl/workbook.xml" in archive.namelist():
                return "xlsx"
    if data[:_HEAD].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] in (b"{", b"["):
        return "json"
    return "text"


def _utf8(label: str, data: bytes) -> bytes:
    """Return text as UTF-8 without a byte order mark, with lines that end in a line feed."""
    head = data[:_HEAD]
    try:
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            data = data.decode("utf-16").encode()
        elif head[1::2].count(0) > len(head) // 4:
            data = data.decode("utf-16-le").encode()
        elif head[::2].count(0) > len(head) // 4:
            data = data.decode("utf-16-be").encode()
    except UnicodeDecodeError as error:
        raise DemandError(f"{label}: cannot be read as UTF-16: {error.reason}") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    head = data[:_HEAD]
    if head.lstrip().startswith(b"<"):
        raise DemandError(f"{label}: is HTML or XML, perhaps a login page; {_READS} is read")
    if any(byte < ord(" ") and byte not in _TEXT_CONTROLS for byte in head):
        raise DemandError(f"{label}: is no text; {_READS} is read")
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character that the end of the head cuts is no mistake.
        if error.start < len(head) - 3 or len(head) == len(data):
            data = data.decode("cp1252", errors="replace").encode()
    return data.replace(b"\r", b"\n") if b"\r" in head and b"\n" not in head else data
