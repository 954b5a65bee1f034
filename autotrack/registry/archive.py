"""A zip file from outside, read as if its maker meant harm: nothing is unpacked, nothing is compressed.

Members lie one behind the other from the first byte on, and the directory behind them ends the file. So no two share
bytes, none is larger than the file itself, and nothing is hidden. Links, folders, devices and two members of one name
are refused; what names there must be says the caller.
"""

import hashlib
import os
import stat
import struct
import zipfile
from collections.abc import Collection
from typing import IO

from autotrack.errors import ModelCorruptedError

__all__ = ["Archive"]

_END = struct.Struct(
    "<4s4H2LH"
)  # the record at the end of a zip: signature, counts, directory's size and place, comment
_END64_BYTES = 56 + 20  # what stands before it in a large one
_LOCAL = struct.Struct("<4s22x2H")  # of a member's own header: signature, lengths of its name and its extra field
_MAX_DIRECTORY_BYTES = 16 << 20  # some hundred thousand members; read whole
_CHUNK_BYTES = 1 << 20
# What zipfile raises at bytes that make no sense.
_DAMAGES = (zipfile.BadZipFile, EOFError, IndexError, NotImplementedError, OSError, OverflowError, ValueError)


class Archive:
    """The members of a zip, checked for their form when it is opened.

    Raises:
        ModelCorruptedError: It is no such zip.
    """

    def __init__(self, file: IO[bytes], path: str) -> None:
        self.path = path
        self._file = file
        self._check_ends()
        try:
            self._zip = zipfile.ZipFile(file)
            self._check_form()
        except ModelCorruptedError:  # which is a ValueError
            raise
        except (*_DAMAGES, struct.error) as error:
            raise self.broken(f"it is no whole zip ({error})") from None

    def check_names(self, names: Collection[str]) -> None:
        """Nothing if these are the members, and no others."""
        found = set(self._zip.namelist())
        if found != set(names):
            more, fewer = sorted(found - set(names)), sorted(set(names) - found)
            raise self.broken(
                f"it holds {more[0]!r}, which its manifest does not name" if more else f"{fewer[0]!r} is missing in it"
            )

    def check(self, name: str, size_bytes: int, sha256: str) -> None:
        """Nothing if a member has this size and SHA-256; it is read in pieces."""
        found = self._zip.getinfo(name).file_size
        if found != size_bytes:
            raise self.broken(f"{name!r} has {found:,} bytes, and by its manifest {size_bytes:,}")
        digest = hashlib.sha256()
        try:
            with self._zip.open(name) as member:
                while chunk := member.read(_CHUNK_BYTES):
                    digest.update(chunk)
        except _DAMAGES as error:
            raise self.broken(f"{name!r} cannot be read ({error})") from None
        if digest.hexdigest() != sha256:
            raise self.broken(f"{name!r} has other bytes than its manifest names")

    def read(self, name: str, most_bytes: int) -> bytes:
        """The bytes of a member that is no larger than this."""
        if name not in self._zip.namelist():
            raise self.broken(f"{name!r} is missing in it")
        found = self._zip.getinfo(name).file_size
        if found > most_bytes:
            raise self.broken(f"{name!r} has {found:,} bytes, more than {most_bytes:,}")
        try:
            with self._zip.open(name) as member:
                return member.read(most_bytes + 1)
        except _DAMAGES as error:
            raise self.broken(f"{name!r} cannot be read ({error})") from None

    def broken(self, why: str) -> ModelCorruptedError:
        """The error that this is not what was exported."""
        return ModelCorruptedError(
            f"{self.path!r} was not imported: {why}.\n"
            "Expected an unchanged file that was made with: autotrack models export. Have it exported again.",
            path=self.path,
        )

    def _check_ends(self) -> None:
        """That it begins as a zip, and that the directory ends it."""
        start = self._file.read(512)
        if start[257:262] == b"ustar" or start[:2] == b"\x1f\x8b" or start[:3] == b"BZh" or start[:6] == b"\xfd7zXZ\0":
            raise self.broken("it is a tar archive or another compressed file, not a zip")
        if start[:4] != b"PK\x03\x04":
            raise self.broken("it does not begin as a zip with members")
        size = os.fstat(self._file.fileno()).st_size
        self._file.seek(max(0, size - _END.size))
        end = self._file.read(_END.size)
        if len(end) != _END.size or end[:4] != b"PK\x05\x06" or _END.unpack(end)[-1] != 0:
            raise self.broken("it is cut short, or there is something behind its end")
        if _END.unpack(end)[5] > _MAX_DIRECTORY_BYTES:
            raise self.broken("its directory is too large")

    def _check_form(self) -> None:
        members = sorted(self._zip.infolist(), key=lambda member: member.header_offset)
        if len({member.filename for member in members}) != len(members):
            raise self.broken("two of its members have one name")
        place = 0
        for member in members:
            self._check_member(member)
            if member.header_offset != place:
                raise self.broken(f"something lies before {member.filename!r}")
            self._file.seek(place)
            signature, name_bytes, extra_bytes = _LOCAL.unpack(self._file.read(_LOCAL.size))
            if signature != b"PK\x03\x04":
                raise self.broken(f"{member.filename!r} does not begin as a member")
            place += _LOCAL.size + name_bytes + extra_bytes + member.file_size
        if place != self._zip.start_dir:
            raise self.broken("something lies behind its last member")
        self._file.seek(0, os.SEEK_END)
        directory = sum(46 + len(member.orig_filename.encode("utf-8")) + len(member.extra) for member in members)
        behind = self._file.tell() - place - directory - _END.size
        if behind not in (0, _END64_BYTES):
            raise self.broken("something lies behind its directory")

    def _check_member(self, member: zipfile.ZipInfo) -> None:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or member.is_dir() or member.external_attr & 0x10:
            raise self.broken(f"{member.filename!r} is no plain file but a link, a folder or a device")
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise self.broken(f"{member.filename!r} is compressed, which an exported version never is")
        if member.flag_bits & ~0x800 or member.comment:  # the bit says that the name is UTF-8
            raise self.broken(f"{member.filename!r} is encrypted, or of a form that is never written")
        if "\0" in member.orig_filename or member.filename != member.orig_filename:
            raise self.broken(f"{member.orig_filename!r} is no name of a file")
