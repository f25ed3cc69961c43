import numpy as np
import pytest
from scan_world import write_ply

from vlm3r_ros.worlds.datasets.ply import PlyError, read_ply

VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3.5]])
TRIANGLES = [(0, 1, 2), (0, 1, 3)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("indices", ["vertex_indices", "vertex_index"])
def test_vertices_and_triangles_are_read_in_either_byte_order(tmp_path, order, indices):
    write_ply(tmp_path / "mesh.ply", VERTICES, TRIANGLES, order=order, indices=indices)
    mesh = read_ply(tmp_path / "mesh.ply")
    np.testing.assert_array_equal(mesh.vertices, VERTICES)
    np.testing.assert_array_equal(mesh.triangles, TRIANGLES)


def test_a_point_cloud_has_no_triangles(tmp_path):
    write_ply(tmp_path / "cloud.ply", VERTICES)
    assert read_ply(tmp_path / "cloud.ply").triangles.shape == (0, 3)


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_file_that_ends_too_early_is_told(tmp_path, cut):
    path = tmp_path / "mesh.ply"
    write_ply(path, VERTICES, TRIANGLES)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(PlyError, match="it ends after"):
        read_ply(path)


def test_a_count_beyond_all_memory_is_told_as_well(tmp_path):
    path = tmp_path / "mesh.ply"
    write_ply(path, VERTICES)
    path.write_bytes(path.read_bytes().replace(b"vertex 4", b"vertex 4000000000000000", 1))
    with pytest.raises(PlyError, match="it ends after 4 of"):
        read_ply(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"ply\n", b"plx\n", "no PLY"),
        (b"binary_little_endian", b"ascii", "ascii, not binary"),
        (b"end_header\n", b"", "line"),
        (b"property float z\n", b"property float w\n", "no z"),
        (b"property float x", b"property half x", "property half x"),
        (b"element vertex 4", b"element vertex many", "element vertex many"),
        (b"element vertex", b"element point", "no vertices"),
    ],
)
def test_a_header_of_another_kind_is_told(tmp_path, old, new, words):
    path = tmp_path / "mesh.ply"
    write_ply(path, VERTICES, TRIANGLES)
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(PlyError, match=words):
        read_ply(path)


def test_faces_that_are_no_triangles_or_lead_nowhere_are_told(tmp_path):
    path = tmp_path / "mesh.ply"
    write_ply(path, VERTICES, [(0, 1, 2), (0, 1, 2, 3)])
    with pytest.raises(PlyError, match="not all of length 3"):
        read_ply(path)
    write_ply(path, VERTICES, [(0, 1, 4)])
    with pytest.raises(PlyError, match="not among its 4"):
        read_ply(path)
