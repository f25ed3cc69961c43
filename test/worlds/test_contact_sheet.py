import numpy as np
import pytest
from furnished_rooms import box, world
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vlm3r_ros.worlds.camera_path import walk
from vlm3r_ros.worlds.contact_sheet import contact_sheet, instance_colors, paint_instances
from vlm3r_ros.worlds.plan_view import draw_plan, write_names

TABLE, SOFA, LAMP = range(3)


@pytest.fixture(scope="module")
def place():
    return world(
        [
            ("table", box(2.5, 2, 1.2, 0.8)),
            ("sofa", box(2.5, 3.6, 2, 0.8)),
            ("ceiling light", box(1.0, 1.0, 0.4, 0.4, bottom=2.1, top=2.4)),
        ]
    )


@pytest.fixture(scope="module")
def path(place):
    return walk(place, frames=30, fps=10, width=96, height=72, generator=np.random.default_rng(0))


def plan(place, path, shown):
    figure = Figure(figsize=(5, 5))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_plan(axes, place, path, shown, instance_colors(len(place.objects)))
    return axes


def test_a_sheet_has_a_column_for_each_frame(place, path):
    sheet = contact_sheet(place, path, columns=3, samples=1)
    short = walk(place, frames=2, fps=10, width=96, height=72, generator=np.random.default_rng(0))
    two = contact_sheet(place, short, columns=6, samples=1)
    assert sheet.dtype == two.dtype == np.uint8
    assert sheet.shape[0] == two.shape[0]
    assert sheet.shape[1] - two.shape[1] == pytest.approx(sheet.shape[0] / 3 * 96 / 72, rel=0.1)
    assert sheet[:, : sheet.shape[1] // 2].std() > 20, "it is not blank"


def test_colors_tell_objects_apart():
    colors = instance_colors(30)
    assert colors.shape == (30, 3)
    assert colors.min() >= 0
    assert colors.max() <= 1
    apart = np.linalg.norm(colors[:, None] - colors, axis=-1) + np.eye(30)
    assert apart.min() > 0.04
    assert apart[np.arange(29), np.arange(1, 30)].min() > 0.3, "neighbouring ids"
    assert instance_colors(0).shape == (0, 3)


def test_objects_are_painted_and_walls_stay_grey():
    color = np.full((2, 2, 3), 128, np.uint8)
    instance = np.array([[0, 1], [-1, 0]])
    colors = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    painted = paint_instances(color, instance, colors)
    assert painted[0, 0, 0] > 0.5
    assert painted[0, 0, 1] == painted[0, 1, 0] == 0
    assert np.ptp(painted[1, 0]) < 1e-9
    dark = paint_instances(color // 4, instance, colors)
    assert (dark[0, 0, 0] < painted[0, 0, 0]).all()


def test_the_plan_names_everything_and_numbers_the_frames(place, path):
    axes = plan(place, path, [5, 15])
    words = [text.get_text() for text in axes.texts]
    assert {"table", "sofa", "ceiling light", "1", "2", "1 m"} <= set(words)
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    assert x0 < 0 < 5 < x1
    assert y0 < 0 < 4 < y1


def test_the_plan_shows_where_things_and_the_camera_are(place, path):
    axes = plan(place, path, [15])
    axes.figure.canvas.draw()
    image = np.asarray(axes.figure.canvas.buffer_rgba())[..., :3] / 255.0

    def at(x, y):
        column, row = axes.transData.transform((x, y)).astype(int)
        return image[image.shape[0] - 1 - row, column]

    colors = instance_colors(3)
    assert at(2.0, 2.3) == pytest.approx(colors[TABLE], abs=0.02)
    assert at(1.6, 3.9) == pytest.approx(colors[SOFA], abs=0.02)
    free, taken = at(4.0, 0.5), at(0.05, 0.5)
    assert free[1] > free[0] + 0.05, "green where one can stand"
    assert np.ptp(taken) < 0.05
    assert at(1.0, 1.0).min() > 0.3, "what hangs overhead is an outline"


def test_names_give_way_to_each_other():
    figure = Figure(figsize=(4, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
    places = np.array([[0.5, 0.5]] * 8 + [[0.0, 0.0]])
    write_names(axes, places, [f"chair {k}" for k in range(8)] + ["corner"], font_size=8)
    assert [text.get_text() for text in axes.texts] == [f"chair {k}" for k in range(5)] + ["corner"]
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    for k, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[k + 1 :])
    low, high = boxes[-1].p0, boxes[-1].p1
    assert (low >= -1).all(), "names stay within the picture"
    assert (high > 0).all()


def test_an_empty_room_has_a_sheet_too():
    empty = world()
    path = walk(empty, frames=4, fps=10, width=96, height=72, generator=np.random.default_rng(0))
    assert contact_sheet(empty, path, columns=1, samples=1).ndim == 3
