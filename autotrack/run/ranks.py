"""Which of the processes of one job records: the first rank. The others, and those that only load data, are silent.

Knows the ways in which a process of PyTorch can tell, and asks them only where they have been imported.
"""

import os
import sys

__all__ = ["is_silent_rank"]


def is_silent_rank() -> bool:
    """Whether another process records the job this one is a part of.

    So it is for every rank but 0 of a process group or of a launcher such as torchrun (which sets RANK and
    WORLD_SIZE), and for the workers of a DataLoader. It may change: a process group is opened in mid-script.
    """
    worker = sys.modules.get("torch.utils.data._utils.worker")
    if worker is not None and worker.get_worker_info() is not None:
        return True
    distributed = sys.modules.get("torch.distributed")
    is_initialized = getattr(distributed, "is_initialized", None)  # missing while it is imported, or not built in
    if distributed is not None and is_initialized is not None and is_initialized():
        return bool(distributed.get_rank() != 0)
    rank, size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    return rank.isdecimal() and size.isdecimal() and int(size) > 1 and int(rank) != 0
