"""The web application: /ping, /health, /version and /invocations, as MLflow's servers have them.

The event loop only moves bytes. Reading a body, casting it, predicting and writing the answer happen in a few threads;
so many requests are taken at once, so many wait, and the next ones are told to come later.
"""

import logging
import os
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autotrack.serving import answers, bodies
from autotrack.serving.cast import cast
from autotrack.serving.refusal import RefusedError, body_of
from autotrack.serving.served import Served

__all__ = ["REFRESH_S", "make_app"]

REFRESH_S = 1.0  # between two looks at what the alias means
_BODY_S = 30.0  # for a client to send its body
_AT_ONCE = 32  # requests whose bodies are in memory
_DRAINED = 4  # times the limit: so much of a body that is too large is read and dropped, for the client to hear why
_WAITING = 256  # further requests, which are read when it is their turn
_VERSION_HEADER = "X-Autotrack-Model"
log = logging.getLogger("autotrack.serving")


def make_app(served: Served, *, limit_bytes: int, threads: int | None = None) -> Starlette:
    """The application for a model.

    Args:
        limit_bytes: The largest body that is read.
        threads: That predict. Default: one for each processor.
    """
    invocations = _Invocations(served, limit_bytes, threads or os.cpu_count() or 1)

    async def ping(_request: Request) -> Response:
        return Response("\n", media_type="application/json")

    async def version(_request: Request) -> Response:
        return JSONResponse(_about(served), headers={_VERSION_HEADER: served.current.label})

    routes = [
        Route("/ping", ping),
        Route("/health", ping),
        Route("/version", version),
        Route("/invocations", invocations.answer, methods=["POST"]),
    ]
    handlers = {HTTPException: _http_error, RefusedError: _refusal, ClientDisconnect: _gone, Exception: _failure}

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with _refreshing(served):
            yield
        invocations.close()

    return Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)


class _Invocations:
    """Answers to /invocations."""

    def __init__(self, served: Served, limit_bytes: int, threads: int) -> None:
        self._served, self._limit_bytes = served, limit_bytes
        self._threads = ThreadPoolExecutor(threads, "autotrack-predict")
        self._places = anyio.Semaphore(_AT_ONCE)
        self._inside = 0

    async def answer(self, request: Request) -> Response:
        """The model's predictions for the body of a request."""
        if self._inside >= _AT_ONCE + _WAITING:
            raise RefusedError(f"{self._inside} requests are waiting. Send it again in a moment.", 503)
        self._inside += 1
        try:
            async with self._places:
                body = await self._body(request)
                outcome = self._threads.submit(self._predict, body, request.headers.get("content-type", ""))
                error = await _failure_of(outcome)
        finally:
            self._inside -= 1
        if error is None or isinstance(error, RefusedError):
            return outcome.result()
        log.error("The model failed at a request.", exc_info=error)  # the client learns nothing of it
        unchecked = (
            "" if self._served.current.inputs else " What its data must be is not on record, so it was not checked."
        )
        return _json(
            500, body_of(500, f"The model failed at this request.{unchecked} The server's log says why."), None
        )

    def close(self) -> None:
        """Take no more requests."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _body(self, request: Request) -> bytes:
        """All of it, unless it is too large or does not come."""
        too_large = RefusedError(
            f"The body is larger than {self._limit_bytes / 2**20:g} MiB. Send fewer rows, or start with --max-mib.", 413
        )
        if int(request.headers.get("content-length") or 0) > _DRAINED * self._limit_bytes:
            raise too_large
        parts, size = [], 0
        with anyio.move_on_after(_BODY_S):
            async for part in request.stream():
                size += len(part)
                if size <= self._limit_bytes:
                    parts.append(part)
                elif size > _DRAINED * self._limit_bytes:
                    raise too_large
            if size > self._limit_bytes:
                raise too_large  # now that the client has sent it all, and listens
            return b"".join(parts)
        raise RefusedError(f"The body did not come within {_BODY_S:g} s. Send it again.", 408)

    def _predict(self, body: bytes, content_type: str) -> Response:
        """In a thread. One version from the first line to the last, whatever the alias does meanwhile."""
        loaded = self._served.current
        table = bodies.read(body, content_type)
        data = cast(table, loaded.inputs)
        try:
            with loaded.turn:
                predictions = loaded.predict(data)
        except (AttributeError, TypeError, ValueError, ArithmeticError) as error:
            if table.has_missing:
                found, advice = "missing values (null)", "Send all values"
            elif table.has_huge:
                found, advice = "numbers too large for a float32", "Send smaller ones"
            else:
                raise
            log.warning("The model failed at a request with %s: %s: %s", found, type(error).__name__, error)
            raise RefusedError(
                f"The model failed at this request, which has {found}: it may take none. {advice}. "
                "The server's log says why."
            ) from error
        return Response(
            answers.encoded(predictions), media_type="application/json", headers={_VERSION_HEADER: loaded.label}
        )


@asynccontextmanager
async def _refreshing(served: Served) -> AsyncIterator[None]:
    """While the server runs, look what the alias means, in a thread of its own."""
    import asyncio

    async def look(pool: ThreadPoolExecutor) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            if (error := await _failure_of(pool.submit(served.refresh))) is not None:
                served.could_not_refresh(error)

    if served.is_fixed:
        yield
        return
    pool = ThreadPoolExecutor(1, "autotrack-refresh")
    task = asyncio.create_task(look(pool))
    try:
        yield
    finally:
        task.cancel()
        pool.shutdown(wait=False, cancel_futures=True)


async def _failure_of(future: Future[Any]) -> BaseException | None:
    """Wait until it is done; what it raised."""
    import asyncio

    waiting = asyncio.wrap_future(future)
    await asyncio.wait([waiting])
    return waiting.exception()


def _about(served: Served) -> dict[str, object]:
    from autotrack import __version__

    loaded = served.current
    return {
        "autotrack": __version__,
        "model": loaded.version.name,
        "version": loaded.version.version,
        "reference": str(served.reference),
        "package": f"sha256:{loaded.version.manifest}",
        "model_class": loaded.manifest.model_class,
        "loaded_at": loaded.loaded_at.isoformat(timespec="seconds"),
        "inputs": loaded.inputs,
        "problem": served.problem,
    }


async def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    headers = {"Retry-After": "1"} if error.status == 503 else {}
    return _json(error.status, body_of(error.status, error.message, error.problems), headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    expected = "Expected POST /invocations, or GET /ping, /health, /version."
    return _json(error.status_code, body_of(error.status_code, f"{error.detail}. {expected}"), error.headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody hears it


async def _failure(_request: Request, _error: Exception) -> Response:
    """Of ours. uvicorn logs the traceback; the client learns nothing of it."""
    return _json(500, body_of(500, "The server failed at this request. Its log says why."), None)


def _json(status: int, body: bytes, headers: Mapping[str, str] | None) -> Response:
    return Response(body, status, headers=headers, media_type="application/json")
