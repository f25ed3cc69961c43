"""The same work on one process, on several, or on a Ray cluster, with results in order."""

from __future__ import annotations

import logging
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

from vlm3r_ros.questions.errors import QuestionsError
from vlm3r_ros.worlds.worker_process import start_worker

T = TypeVar("T")
R = TypeVar("R")

# Pieces of work a worker has waiting: enough never to idle, few enough not to fill the memory.
_WAITING = 2


def in_order(
    work: Callable[[T], R], pieces: Iterable[T], *, workers: int = 1, ray: bool = False
) -> Iterator[R]:
    """Do all pieces of work.

    Args:
        work: a function that other processes can import.
        pieces: taken as workers become free.
        workers: processes; 1 works in this one.
        ray: work on the Ray cluster of `RAY_ADDRESS` or of this machine, or else on a local one
            that is started for it; `workers` does not count then.

    Yields:
        The results, in the order of the pieces.

    Raises:
        QuestionsError: Ray is not installed, or a worker was killed.
    """
    if ray:
        yield from _on_ray(work, pieces)
    elif workers == 1:
        yield from map(work, pieces)
    else:
        yield from _on_processes(work, pieces, workers)


def _on_processes(work: Callable[[T], R], pieces: Iterable[T], workers: int) -> Iterator[R]:
    # A process of its own has no threads or locks of ours, which a forked one might wait for.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=start_worker)

    def result(future: Future[R]) -> R:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise QuestionsError(
                "a worker was killed, for want of memory perhaps; run the same command again to go "
                "on, with fewer --workers"
            ) from error

    try:
        yield from _windowed(
            lambda piece: pool.submit(work, piece), result, pieces, _WAITING * workers
        )
    finally:
        pool.shutdown(cancel_futures=True)


def _on_ray(work: Callable[[T], R], pieces: Iterable[T]) -> Iterator[R]:
    try:
        import ray
    except ImportError as error:
        raise QuestionsError(
            "--ray needs the library ray: pip install 'vlm3r-ros[ray]', here and on the cluster"
        ) from error
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(log_to_driver=False, logging_level=logging.WARNING)
        # Ray raises whatever went wrong, down to a bare Exception.
        except Exception as error:
            raise QuestionsError(
                f"--ray: no cluster can be reached or started ({error}); look at RAY_ADDRESS, or "
                "use --workers"
            ) from error
    try:
        # Ray takes functions only, and `work` may be a partial one.
        remote: Any = ray.remote(_call)
        there = ray.put(work)
        waiting = _WAITING * max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield from _windowed(
            lambda piece: remote.remote(there, piece),
            lambda reference: ray.get(reference),
            pieces,
            waiting,
        )
    finally:
        if ours:
            ray.shutdown()


def _call(work: Callable[[T], R], piece: T) -> R:
    return work(piece)


def _windowed(
    submit: Callable[[T], Any], result: Callable[[Any], R], pieces: Iterable[T], waiting: int
) -> Iterator[R]:
    """Keep `waiting` pieces under way; results in order."""
    source = iter(pieces)
    under_way = deque(map(submit, islice(source, waiting)))
    while under_way:
        yield result(under_way.popleft())
        under_way.extend(map(submit, islice(source, 1)))
