"""Reads the vertices and triangles of binary PLY files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.worlds.boxes import FloatArray

_SCALARS = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "float32": "f4", "double": "f8", "float64": "f8"},
}
_BYTE_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
_FACE_LISTS = ("vertex_indices", "vertex_index")


class PlyError(ValueError):
    """A file that is no PLY, or one of a kind that is not read here."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh.

    Attributes:
        vertices: `[N, 3]`, metres.
        triangles: indices of vertices `[F, 3]`; none in a point cloud.
    """

    vertices: FloatArray
    triangles: NDArray[np.int64]


@dataclass
class _Element:
    name: str
    count: int
    properties: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, type, and of a list the type of its length."""


def read_ply(path: Path) -> Mesh:
    """Read a mesh or point cloud.

    Raises:
        PlyError: it is no binary PLY with vertices and, if it has faces, triangles; or it ends
            too early.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        order, elements = _read_header(file)
        found = {}
        for element in elements:
            found[element.name] = _read_element(file, element, order)
    if "vertex" not in found:
        raise PlyError("it has no vertices")
    vertex = found["vertex"]
    missing = {"x", "y", "z"} - set(vertex.dtype.names or ())
    if missing:
        raise PlyError(f"its vertices have no {', '.join(sorted(missing))}")
    vertices = np.stack([vertex[name] for name in "xyz"], 1).astype(float)
    return Mesh(vertices, _triangles(found.get("face"), len(vertices)))


def _read_header(file: BinaryIO) -> tuple[str, list[_Element]]:
    if file.readline().strip() != b"ply":
        raise PlyError("it is no PLY file")
    order = ""
    elements: list[_Element] = []
    while True:
        line = file.readline()
        if not line:
            raise PlyError("its header has no end")
        words = line.decode("ascii", "replace").split()
        match words:
            case ["end_header"]:
                break
            case ["format", name, _]:
                order = _BYTE_ORDERS.get(name, "")
                if not order:
                    raise PlyError(f"its format is {name}, not binary")
            case ["element", name, count] if count.isdecimal():
                elements.append(_Element(name, int(count)))
            case ["property", "list", length, kind, name] if (
                elements and length in _SCALARS and kind in _SCALARS
            ):
                elements[-1].properties.append((name, _SCALARS[kind], _SCALARS[length]))
            case ["property", kind, name] if elements and kind in _SCALARS:
                elements[-1].properties.append((name, _SCALARS[kind], ""))
            case ["comment" | "obj_info", *_] | []:
                pass
            case _:
                raise PlyError(f"its header has the line '{' '.join(words)}'")
    if not order:
        raise PlyError("its header names no format")
    return order, elements


def _read_element(file: BinaryIO, element: _Element, order: str) -> NDArray[np.void]:
    """An element's rows; lists must all have three items."""
    columns: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for name, kind, length in element.properties:
        if length:
            columns += [(_length_of(name), order + length), (name, order + kind, (3,))]
        else:
            columns.append((name, order + kind))
    dtype = np.dtype(columns)
    # A broken count may be larger than any memory.
    size = min(element.count * dtype.itemsize, os.fstat(file.fileno()).st_size)
    content = file.read(size)
    whole = len(content) // dtype.itemsize if dtype.itemsize else 0
    rows = np.frombuffer(content, dtype, count=whole) if whole else np.empty(0, dtype)
    for name, _, length in element.properties:
        if length and (rows[_length_of(name)] != 3).any():
            raise PlyError(f"{name} of {element.name} are not all of length 3; only triangles are")
    if len(rows) < element.count:
        raise PlyError(
            f"it ends after {len(rows)} of {element.count} {element.name} rows; fetch it again"
        )
    return rows


def _length_of(name: str) -> str:
    return f"{name} length"


def _triangles(faces: NDArray[np.void] | None, vertices: int) -> NDArray[np.int64]:
    names = () if faces is None else faces.dtype.names or ()
    for name in _FACE_LISTS:
        if faces is not None and name in names:
            triangles: NDArray[np.int64] = faces[name].astype(np.int64)
            if triangles.size and not 0 <= triangles.min() <= triangles.max() < vertices:
                raise PlyError(f"a face has a vertex that is not among its {vertices}")
            return triangles
    return np.empty((0, 3), np.int64)
