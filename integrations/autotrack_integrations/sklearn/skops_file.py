"""The container of a data-only file: a zip of one schema and some arrays, measured before anything is unpacked.

Reads     the table of contents, then each header: names, sizes, dtypes
Refuses   what autotrack never writes: compressed, encrypted, linked, repeated or oddly named members, more than
          MAX_BYTES, arrays of objects, headers that promise more than there is
Never     writes to disk, allocates by a size that the file declares and does not have
"""

import io
import math
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from autotrack_integrations.sklearn.trusted_types import RefusedError

__all__ = ["MAX_BYTES", "SCHEMA", "Member", "contents", "reproducible"]

SCHEMA = "schema.json"
MAX_BYTES = 1 << 30  # 1 GiB, of the file and of its sparse matrices unpacked: it is held in memory
_MAX_SCHEMA_BYTES = 1 << 26  # 64 MiB: about 100,000 words of a vocabulary; twenty times that in memory, at worst
_MAX_MEMBERS = 200_000  # a forest has five for each tree
_MAX_HEADER_BYTES = 4096  # of one array; a record of 20 fields takes 500
_MAX_DIMENSIONS = 32
_NAME = re.compile(r"[0-9]{1,20}\.np[yz]")
_ID = re.compile(rb'("__id__": |"file": ")([0-9]+)')  # where an object was in memory
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip file knows
_SPARSE_NAMES = frozenset(
    f"{name}.npy" for name in ("format", "shape", "data", "indices", "indptr", "row", "col", "offsets", "_is_array")
)
_DTYPE = r"'[<>|=][biufcSUmM][0-9]{1,9}(?:\[[0-9a-zA-Zμ]{1,10}\])?'"
_HEADER = re.compile(  # what NumPy writes; it reads Python expressions, so nothing else reaches its parser
    rf"\{{'descr': (?:{_DTYPE}|\[(?:\('[A-Za-z0-9_]{{0,50}}', '[<>|=][biufV][0-9]{{1,3}}'\)(?:, )?){{1,50}}\]), "
    r"'fortran_order': (?:True|False), 'shape': \((?:[0-9]{1,18}(?:, |,)?)*\), \} *\n"
)


@dataclass(frozen=True)
class Member:
    """An array, by what its header says of it, checked against its size; or a sparse matrix, of the kind "sparse"."""

    shape: tuple[int, ...]
    kind: str  # of its dtype, as NumPy spells it
    digest: bytes = b""


def contents(data: bytes) -> tuple[bytes, dict[str, Member]]:
    """The schema, and the further members by name.

    Raises:
        RefusedError: It is not such a file, or one that is made to harm.
    """
    if len(data) > MAX_BYTES:
        raise RefusedError(f"it has {len(data):,} bytes, more than {MAX_BYTES:,}")
    if not data.startswith(b"PK\x03\x04"):
        raise RefusedError(f"it is no skops file: it starts with {data[:8]!r}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive)
            schema = archive.read(SCHEMA)
            unpacked = 0
            found: dict[str, Member] = {}
            for member in members:
                if member.filename == SCHEMA:
                    continue
                held = archive.read(member)
                if member.filename.endswith(".npz"):
                    unpacked += _check_sparse(held, MAX_BYTES - unpacked)
                    found[member.filename] = Member((), "sparse", sha256(held).digest())
                else:
                    shape, kind = _array(held)
                    found[member.filename] = Member(shape, kind, sha256(held).digest())
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, UnicodeError) as error:
        raise RefusedError(f"it is no whole zip file: {error}") from None
    return schema, found


def reproducible(data: bytes) -> bytes:
    """The same file of the same model, whenever and wherever it was made: objects numbered in their order, no times."""
    numbers: dict[bytes, bytes] = {}

    def number(found: re.Match[bytes]) -> bytes:
        return found[1] + numbers.setdefault(found[2], str(len(numbers) + 1).encode())

    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as copy:
        schema = _ID.sub(number, archive.read(SCHEMA))
        for name in archive.namelist():
            stem, dot, kind = name.partition(".")
            renamed = name if name == SCHEMA else f"{numbers[stem.encode()].decode()}{dot}{kind}"
            copy.writestr(zipfile.ZipInfo(renamed, _NO_TIME), schema if name == SCHEMA else archive.read(name))
    return buffer.getvalue()


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    names = {member.filename for member in members}
    if len(members) > _MAX_MEMBERS:
        raise RefusedError(f"it has {len(members):,} members, more than {_MAX_MEMBERS:,}")
    if len(names) != len(members):
        raise RefusedError("it has two members of one name")
    if SCHEMA not in names:
        raise RefusedError(f"it has no {SCHEMA}")
    for member in members:
        _check_member(member, zipfile.ZIP_STORED)
        if member.filename != SCHEMA and not _NAME.fullmatch(member.filename):
            raise RefusedError(f"it has a member named {member.filename[:60]!r}")
        if member.filename == SCHEMA and member.file_size > _MAX_SCHEMA_BYTES:
            raise RefusedError(f"its {SCHEMA} has {member.file_size:,} bytes, more than {_MAX_SCHEMA_BYTES:,}")
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise RefusedError(f"it declares more than {MAX_BYTES:,} bytes")
    return members


def _check_member(member: zipfile.ZipInfo, *compressions: int) -> None:
    if member.compress_type not in compressions:
        raise RefusedError(f"its member {member.filename[:60]!r} is compressed, as autotrack never writes it")
    if member.compress_type == zipfile.ZIP_STORED and member.file_size != member.compress_size:
        raise RefusedError(f"its member {member.filename[:60]!r} declares a size it does not have")
    if member.flag_bits & 0x1:
        raise RefusedError(f"its member {member.filename[:60]!r} is encrypted")
    mode = member.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        raise RefusedError(f"its member {member.filename[:60]!r} is a link or device")


def _check_sparse(data: bytes, allowed: int) -> int:
    """Check a sparse matrix as SciPy writes it; how many bytes it unpacks to."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        names = {member.filename for member in members}
        if len(names) != len(members) or not names <= _SPARSE_NAMES:
            raise RefusedError("a sparse matrix has other parts than SciPy writes")
        if sum(member.file_size for member in members) > allowed:
            raise RefusedError(f"its sparse matrices unpack to more than {MAX_BYTES:,} bytes")
        for member in members:
            _check_member(member, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            _array(_unpacked(data, member))
    return sum(member.file_size for member in members)


def _unpacked(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """The bytes of a member, never more than it declares: zipfile itself would unpack first and cut then."""
    start = member.header_offset
    name_bytes, extra_bytes = (int.from_bytes(data[start + at : start + at + 2], "little") for at in (26, 28))
    start += 30 + name_bytes + extra_bytes
    packed = data[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        return packed
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = decompressor.decompress(packed, member.file_size + 1)
    if len(unpacked) != member.file_size or not decompressor.eof or decompressor.unused_data:
        raise RefusedError("a sparse matrix declares a size it does not have")
    return unpacked


def _array(data: bytes) -> tuple[tuple[int, ...], str]:
    """The shape and kind that an array's header says, if the bytes after it are just as many."""
    if data[:6] != b"\x93NUMPY" or data[6:8] not in (b"\x01\x00", b"\x02\x00"):
        raise RefusedError("an array is not as NumPy writes it")
    width = 2 if data[6] == 1 else 4
    header_bytes = int.from_bytes(data[8 : 8 + width], "little")
    start = 8 + width + header_bytes
    header = data[8 + width : start].decode("latin-1")
    if header_bytes > _MAX_HEADER_BYTES or not _HEADER.fullmatch(header):
        raise RefusedError("an array has a header that NumPy does not write, or holds Python objects")
    shape, dtype = _said(data[:start])
    if dtype.hasobject or len(shape) > _MAX_DIMENSIONS or dtype.itemsize == 0:
        raise RefusedError(f"an array has the dtype {dtype!s:.60} and {len(shape)} dimensions")
    if math.prod(shape) * dtype.itemsize != len(data) - start or max(shape, default=0) > MAX_BYTES:
        raise RefusedError(f"an array declares the shape {shape!s:.60}, which its bytes do not fill")
    return shape, dtype.kind


@lru_cache(maxsize=256)  # the trees of a forest are much alike
def _said(start: bytes) -> tuple[tuple[int, ...], Any]:
    """Shape and dtype of an array that starts with these bytes, as NumPy reads them."""
    import numpy as np

    file = io.BytesIO(start)
    version = np.lib.format.read_magic(file)
    read: Any = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
