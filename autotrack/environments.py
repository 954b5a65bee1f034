"""The environment a run or a model was made in: exact versions, to be installed again or compared with those here."""

from dataclasses import dataclass

from autotrack.errors import AutotrackError, DataError
from autotrack.models import find_package, package_manifest
from autotrack.process import get_run

__all__ = ["Environment", "environment_of"]


@dataclass(frozen=True)
class Environment:
    """Packages in exact versions.

    Attributes:
        origin: The run or model they belong to, in words.
        python: Its version, as far as it is known: "3.11" or "3.11.7".
        requirements: Pins such as `numpy==2.4.6`, sorted.
    """

    origin: str
    python: str
    requirements: list[str]

    def text(self) -> str:
        """A requirements file."""
        return f"# {self.origin}, Python {self.python}\n" + "".join(f"{pin}\n" for pin in self.requirements)

    def differences(self) -> list[str]:
        """What is not here as it was there, a line each."""
        import platform

        from autotrack.model.environment import compare

        here = platform.python_version()
        is_same = here == self.python or here.startswith(f"{self.python}.")
        said = [] if is_same else [f"Python {self.python} (here {here})"]
        return said + [str(difference) for difference in compare(self.requirements)]


def environment_of(reference: str, *, everything: bool = False) -> Environment:
    """The environment of a model (`churn@champion`, `run:<id>`) or of a run, by its id.

    Args:
        everything: All that was installed where the run ran; otherwise what loading its model needs.

    Raises:
        ModelNotFoundError, RunNotFoundError: There is no such model or run.
        DataError: It is not known what was installed.
    """
    from autotrack.model import Manifest

    try:
        found = find_package(reference)
    except AutotrackError as no_model:
        return _of_run(reference, no_model)
    if everything:
        return _of_run(found.run_id, None) if found.run_id else _unknown(reference)
    manifest = Manifest.parse(package_manifest(found.store, found.manifest))
    return Environment(f"What {reference} needs", manifest.python, list(manifest.requirements))


def _of_run(run_id: str, no_model: AutotrackError | None) -> Environment:
    try:
        run = get_run(run_id.removeprefix("run:"))
    except AutotrackError:
        raise no_model or DataError(f"There is no run {run_id!r}.\nExpected the id of a run.") from None
    known = run.environment
    if "packages" not in known:
        return _unknown(run_id)
    pins = sorted(f"{name}=={version}" for name, version in known["packages"].items())
    return Environment(f"All that was installed for run {run.id} ({run.name})", known["python"], pins)


def _unknown(reference: str) -> Environment:
    raise DataError(
        f"What was installed for {reference!r} is not on record.\n"
        "Expected a run that was recorded while it ran, or a model of one. Leave out --all for what a model needs."
    )
