"""torch: where watching begins. Everything is undone exactly: hooks are removed, functions are what they were."""

from typing import Any

from autotrack.guard import GUARDED_CODE
from autotrack_integrations.script.screen import WRITE_CODE
from autotrack_integrations.torch.checkpoints import watch_checkpoints
from autotrack_integrations.torch.compilers import hide
from autotrack_integrations.torch.loaders import watch_loaders
from autotrack_integrations.torch.losses import watch_losses
from autotrack_integrations.torch.reads import watch_reads
from autotrack_integrations.torch.settings import watch_constructors
from autotrack_integrations.torch.steps import StepWatch

__all__ = ["watch"]


def watch() -> list[Any]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    steps = StepWatch()
    taps = [
        *watch_losses(steps.tick),
        *watch_loaders(),
        *watch_reads(),
        *watch_constructors(),
        *watch_checkpoints(),
        *steps.taps,
    ]
    hide([code for tap in taps for code in tap.codes], [GUARDED_CODE, WRITE_CODE, *steps.codes])
    return [*taps, steps]
