"""Fixture: `run_limited`, a script that can make its disk full."""

import textwrap

import pytest

FULL_DISK = """
import resource, signal

def full_disk(size_bytes):
    '''No file can grow beyond this: as on a full disk, a write is cut short and the next one fails.'''
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))
"""


@pytest.fixture
def run_limited(run_python):
    return lambda script, *args: run_python(FULL_DISK + textwrap.dedent(script), *args)
