"""How the renderer's inner loops are compiled.

A kernel's cache on disk notices changes of its own file only. Kernels therefore call compiled
functions of their own module and take everything else as arguments or constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

# Numbers are finite by construction: sums may be fused, and minima need no look at NaN. Nothing
# here lets results differ from one run to the next.
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "nnan", "ninf"},
}
_INNER: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: Function) -> Function:
    """Compile what Python calls; kept on disk for the next process."""
    return njit(cache=True, **_OPTIONS)(function)


def inner(function: Function) -> Function:
    """Compile what only kernels call."""
    return njit(**_INNER)(function)


def inlined(function: Function) -> Function:
    """Compile what becomes part of a kernel's loop, so that the loop can be vectorised."""
    return njit(forceinline=True, **_INNER)(function)
