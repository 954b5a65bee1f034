"""Running a project's scripts: the user's own program, unchanged, with tracking switched on from outside."""

from autotrack.projects.launch import launch

__all__ = ["launch"]
