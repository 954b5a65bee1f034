"""Rows and bytes: what was recorded, live and at rest. Knows nothing of runs, models or libraries.

    from autotrack.store import Store

Importing this loads the standard library only; pyarrow and numpy come with the first read or seal.
"""

from autotrack.store.backend import Backend, LocalBackend
from autotrack.store.blobs import Blobs
from autotrack.store.journal import NO_EPOCH, POINT, SegmentWriter, new_id
from autotrack.store.store import Store

__all__ = ["NO_EPOCH", "POINT", "Backend", "Blobs", "LocalBackend", "SegmentWriter", "Store", "new_id"]
