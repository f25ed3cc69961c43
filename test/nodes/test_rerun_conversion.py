import math
from collections.abc import Iterator

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Path
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from vlm3r_ros.msg import NavigationHint, SpatialAnswer
from vlm3r_ros.nodes.image_conversion import ImageError, rgb_to_image
from vlm3r_ros.nodes.message_conversion import MessageError, matrix_to_pose, points_to_cloud

pytest.importorskip(
    "rerun", reason="the optional viewer is not installed: pip install 'vlm3r_ros[viewer]'"
)

import rerun as rr

from vlm3r_ros.nodes.rerun_conversion import (
    Entity,
    Entry,
    SceneConverter,
    blueprint,
    default_intrinsics,
)

SECOND = 1_000_000_000
# A quarter turn to the left, one metre along x, half a metre up.
T_MAP_BODY = np.array(
    [[0.0, -1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.5], [0, 0, 0, 1]]
)


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    """What Rerun would only warn of is an error here."""
    rr.set_strict_mode(True)
    yield
    rr.set_strict_mode(False)


@pytest.fixture
def scene() -> SceneConverter:
    return SceneConverter()


def header(seconds: int, frame: str = "map") -> Header:
    return Header(stamp=Time(sec=seconds), frame_id=frame)


def pose(seconds: int, x: float, y: float = 0.0) -> PoseStamped:
    message = PoseStamped(header=header(seconds))
    message.pose.position.x, message.pose.position.y = x, y
    return message


def field(entry: Entry, name: str) -> list:
    """The values of a component of what is logged, as plain Python."""
    for batch in entry.content.as_component_batches():
        if batch.component_descriptor().component.endswith(f":{name}"):
            return batch.as_arrow_array().to_pylist()
    raise AssertionError(f"no {name} in {entry.content}")


def cleared(entries: list[Entry]) -> set[Entity]:
    return {each.entity for each in entries if isinstance(each.content, rr.Clear)}


def test_what_is_said_of_the_map_holds_always(scene):
    (axes,) = scene.beginning()
    assert axes.entity == "map"
    assert axes.nanoseconds is None
    assert axes.content == rr.ViewCoordinates.RIGHT_HAND_Z_UP


def test_a_frame_is_a_picture_and_the_camera_it_was_taken_with(scene):
    rgb = np.full((48, 64, 3), (200, 30, 30), np.uint8)
    pinhole, picture = scene.frame(rgb_to_image(rgb, header(7, "camera_optical")))
    assert {pinhole.entity, picture.entity} == {Entity.IMAGE}
    assert pinhole.nanoseconds == picture.nanoseconds == 7 * SECOND
    assert field(pinhole, "resolution") == [[64.0, 48.0]]
    assert field(picture, "media_type") == ["image/jpeg"]
    assert len(field(picture, "blob")[0]) < rgb.size


def test_an_uncalibrated_camera_has_the_stated_field_of_view():
    matrix = default_intrinsics(640, 480, math.radians(90.0))
    np.testing.assert_allclose(matrix, [[320, 0, 320], [0, 320, 240], [0, 0, 1]])
    scene = SceneConverter(math.radians(90.0))
    assert scene.camera_info(CameraInfo(width=640, height=480)) == []
    pinhole, _ = scene.frame(rgb_to_image(np.zeros((480, 640, 3), np.uint8), header(1)))
    # column by column
    assert field(pinhole, "image_from_camera")[0] == pytest.approx(
        [320, 0, 0, 0, 320, 0, 320, 240, 1]
    )


def test_a_calibration_is_scaled_to_the_frames(scene):
    info = CameraInfo(width=640, height=480, k=[500.0, 0, 320, 0, 510, 240, 0, 0, 1])
    assert scene.camera_info(info) == []
    pinhole, _ = scene.frame(rgb_to_image(np.zeros((240, 320, 3), np.uint8), header(1)))
    assert field(pinhole, "image_from_camera")[0] == pytest.approx(
        [250, 0, 0, 0, 255, 0, 159.75, 119.75, 1]
    )


def test_the_camera_stands_where_its_pose_says(scene):
    (entry,) = scene.pose(PoseStamped(header=header(3), pose=matrix_to_pose(T_MAP_BODY)))
    assert entry.entity == Entity.CAMERA
    assert entry.nanoseconds == 3 * SECOND
    assert field(entry, "translation")[0] == pytest.approx([1.0, 0.0, 0.5])
    turned = np.array(field(entry, "mat3x3")[0]).reshape(3, 3).T
    np.testing.assert_allclose(turned, T_MAP_BODY[:3, :3], atol=1e-6)


def test_points_that_are_not_trusted_are_left_out(scene):
    points = np.arange(36, dtype=np.float32).reshape(12, 3)
    points[::2] = np.nan
    colors = np.arange(36, dtype=np.uint8).reshape(12, 3)
    cloud = points_to_cloud(points, colors, header(4))
    cloud.height, cloud.width, cloud.row_step, cloud.is_dense = 3, 4, 4 * cloud.point_step, False
    (entry,) = scene.points(cloud)
    assert entry.entity == Entity.POINTS
    assert field(entry, "positions") == points[1::2].tolist()
    red, green, blue = colors[1]
    assert (
        field(entry, "colors")[0] == (int(red) << 24) + (int(green) << 16) + (int(blue) << 8) + 255
    )
    cloud.data = cloud.data[:-1]
    with pytest.raises(MessageError, match="is not ours"):
        scene.points(cloud)


def test_a_new_session_clears_what_was_of_the_old_map(scene):
    first = scene.path(Path(header=header(11), poses=[pose(10, 0.0), pose(11, 1.0)]))
    longer = scene.path(Path(header=header(12), poses=[pose(10, 0.0), pose(12, 2.0)]))
    assert [each.entity for each in first + longer] == [Entity.CAMERA_PATH] * 2
    assert field(longer[0], "strips") == [[[0, 0, 0], [2, 0, 0]]]
    assert scene.path(Path()) == []
    other = scene.path(Path(header=header(21), poses=[pose(20, 0.0), pose(21, 5.0)]))
    assert cleared(other) == {
        Entity.POINTS,
        Entity.OCCUPANCY,
        Entity.PLAN,
        Entity.GOAL,
        Entity.TARGET,
    }
    assert other[0].nanoseconds == 20 * SECOND - 1
    assert other[-1].entity == Entity.CAMERA_PATH


def test_the_grid_lies_as_in_rviz(scene):
    grid = OccupancyGrid(header=header(5), data=[0, 1, 2, 100, -1, 50])
    grid.info.width, grid.info.height, grid.info.resolution = 3, 2, 0.05
    grid.info.origin = matrix_to_pose(T_MAP_BODY)
    (entry,) = scene.occupancy(grid)
    assert entry.entity == Entity.OCCUPANCY
    # A picture's first row is its upper one.
    assert field(entry, "data") == [[100, 255, 50, 0, 1, 2]]
    assert field(entry, "cell_size")[0] == pytest.approx(0.05)
    assert field(entry, "translation")[0] == pytest.approx([1.0, 0.0, 0.5])
    assert field(entry, "quaternion")[0] == pytest.approx([0, 0, math.sqrt(0.5), math.sqrt(0.5)])


def test_a_grid_that_contradicts_itself_is_refused(scene):
    grid = OccupancyGrid(header=header(5), data=[0, 1, 2])
    grid.info.width, grid.info.height, grid.info.resolution = 3, 2, 0.05
    with pytest.raises(MessageError, match="3 x 2 cells holds 3"):
        scene.occupancy(grid)
    grid.info.height, grid.info.resolution = 1, 0.0
    with pytest.raises(MessageError, match=r"cells of 0\.0 m"):
        scene.occupancy(grid)


def test_a_plan_is_a_line_and_an_empty_one_clears_it(scene):
    way = Path(header=header(6), poses=[pose(6, 0.0), pose(6, math.nan), pose(6, 1.0, 2.0)])
    (entry,) = scene.plan(way)
    assert entry.entity == Entity.PLAN
    assert field(entry, "strips") == [[[0, 0, 0], [1, 2, 0]]]
    assert cleared(scene.plan(Path(header=header(7)))) == {Entity.PLAN}


def test_a_goal_is_an_arrow_that_faces_as_the_pose(scene):
    (entry,) = scene.goal(PoseStamped(header=header(6), pose=matrix_to_pose(T_MAP_BODY)))
    assert entry.entity == Entity.GOAL
    assert field(entry, "origins")[0] == pytest.approx([1.0, 0.0, 0.5])
    x, y, z = field(entry, "vectors")[0]
    assert y > 0.1
    assert (x, z) == pytest.approx((0.0, 0.0), abs=1e-6)


def test_a_hint_is_told_and_its_target_named_where_it_leads(scene):
    hint = NavigationHint(
        header=header(8),
        target="the red chair",
        turn=NavigationHint.LEFT,
        distance=2.34,
        goal=PoseStamped(header=header(8), pose=matrix_to_pose(T_MAP_BODY)),
        instruction="Turn left and go 2.3 m.",
    )
    text, target = scene.hint(hint)
    assert (text.entity, target.entity) == (Entity.HINTS, Entity.TARGET)
    assert field(text, "text") == ["the red chair: Turn left and go 2.3 m."]
    assert field(text, "level") == ["INFO"]
    assert field(target, "labels") == ["the red chair, 2.3 m"]
    assert field(target, "positions")[0] == pytest.approx([1.0, 0.0, 0.5])


def test_a_hint_without_a_way_warns_and_takes_the_old_way_off(scene):
    hint = NavigationHint(header=header(9), target="a fridge", instruction="I saw no fridge.")
    text, *rest = scene.hint(hint)
    assert field(text, "level") == ["WARN"]
    assert cleared(rest) == {Entity.PLAN, Entity.GOAL, Entity.TARGET}


def test_an_answer_is_told(scene):
    answer = SpatialAnswer(
        header=header(9), question="How many chairs?", answer="3", confidence=0.876
    )
    (entry,) = scene.answer(answer)
    assert (entry.entity, entry.nanoseconds) == (Entity.ANSWERS, 9 * SECOND)
    assert field(entry, "text") == ["How many chairs?\n3 (confidence 0.88)"]


def test_what_has_no_stamp_belongs_to_the_newest_before(scene):
    scene.plan(Path(header=header(30), poses=[pose(30, 1.0)]))
    (entry,) = scene.plan(Path())
    assert entry.nanoseconds == 30 * SECOND


def test_bad_messages_are_errors_that_a_node_can_tell(scene):
    image = rgb_to_image(np.zeros((4, 4, 3), np.uint8), header(1))
    image.height = 400
    with pytest.raises(ImageError):
        scene.frame(image)
    message = pose(1, math.nan)
    message.pose.orientation.w = 1.0
    with pytest.raises(MessageError, match="not finite"):
        scene.pose(message)
    with pytest.raises(MessageError, match="no width and height"):
        scene.camera_info(CameraInfo())


def test_the_layout_can_be_sent_to_a_window(tmp_path):
    path = tmp_path / "layout.rbl"
    blueprint().save("vlm3r_ros", path)
    assert path.stat().st_size > 0
