"""The truth of every task, worked out anew from depth images, instance images and poses.

Nothing of the generators is used but the words of their questions. Where things are and how large
comes from the depth of each object's pixels; distances come from a general solver.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import shapely
from scipy.optimize import lsq_linear

from vlm3r_ros.questions.drafting import DraftPlan
from vlm3r_ros.questions.generate import make_questions
from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.worlds.filming import Film, FilmSettings, model_frames
from vlm3r_ros.worlds.rendering import View, render
from vlm3r_ros.worlds.scene import Intrinsics, Scene
from vlm3r_ros.worlds.world import Split, World, WorldId

SCENES = 50
SETTINGS = FilmSettings(frames=96, fps=10.0, width=160, height=120)
# Objects are measured from all sides; a pixel is a centimetre or less.
SURVEY = Intrinsics(fx=300.0, fy=300.0, cx=89.5, cy=89.5, width=180, height=180)
SURVEY_FILL = 0.8  # of the picture that the object takes up
MEASURED = 0.03  # m that a box measured from pixels may be off
ROUNDING = 0.05  # m, of a number with one decimal
FLOOR_PIXEL = 0.02  # m


@dataclass(frozen=True, repr=False)
class Box:
    """A measured box: middle and half sides along the axes (rows)."""

    middle: np.ndarray
    half: np.ndarray
    axes: np.ndarray

    def corners(self) -> np.ndarray:
        signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T
        return self.middle + (signs * self.half) @ self.axes


@dataclass(frozen=True, repr=False)
class Survey:
    """What images say about a world."""

    scene: Scene
    world: World
    film: Film
    frames: list[View]
    boxes: dict[int, Box]
    names: dict[int, str]

    def named(self, name: str) -> list[int]:
        return [number for number, other in self.names.items() if other == name]

    def only(self, name: str) -> Box:
        (number,) = self.named(name)
        return self.boxes[number]

    def seen_as(self, name: str, frame: int) -> int:
        """The one object of a name in a frame."""
        shown = set(np.unique(self.frames[frame].instance).tolist())
        (number,) = shown & set(self.named(name))
        return number

    def pose(self, frame: int) -> np.ndarray:
        return self.scene.frames[frame].T_world_camera

    def camera(self, frame: int) -> np.ndarray:
        return self.pose(frame)[:3, 3]


def unproject(
    depth: np.ndarray, camera: Intrinsics, pose: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """World points of the pixels of a mask, `[N, 3]`."""
    rows, columns = np.nonzero(mask)
    z = depth[rows, columns].astype(float)
    inside = [(columns - camera.cx) / camera.fx * z, (rows - camera.cy) / camera.fy * z, z]
    return np.stack(inside, -1) @ pose[:3, :3].T + pose[:3, 3]


def look_from(place: np.ndarray, target: np.ndarray) -> np.ndarray:
    forward = (target - place) / np.linalg.norm(target - place)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    if np.linalg.norm(right) < 1e-6:
        right = np.array([1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    pose[:3, 3] = place
    return pose


def alone(world: World, instance: int) -> World:
    """The world with nothing in it but one object."""
    table = world.primitives
    kept = table.instance == instance
    fields = {name: values[kept] for name, values in vars(table).items()}
    return replace(world, primitives=replace(table, **fields))


def measure(world: World, instance: int, axes: np.ndarray, about: np.ndarray, size: float) -> Box:
    """The box of an object along given axes, from its depth in six pictures along them."""
    single = alone(world, instance)
    distance = SURVEY.fx * size / (SURVEY_FILL * SURVEY.width)
    points = []
    for axis in axes:
        for sign in (-1, 1):
            pose = look_from(about + sign * axis * distance, about)
            view = render(single, SURVEY, pose, color=False)
            points.append(unproject(view.depth, SURVEY, pose, view.instance == instance))
    along = np.concatenate(points) @ axes.T
    low, high = along.min(0), along.max(0)
    return Box((low + high) / 2 @ axes, (high - low) / 2, axes)


def survey(index: int) -> Survey:
    film = Film.of(WorldId(Split.VAL, 77, index), SETTINGS)
    filmed = list(film.frames(model_frames(SETTINGS.frames), color=False))
    scene = film.scene([film.scene_frame(frame) for frame in filmed])
    boxes = {}
    for item in film.world.objects:
        box = item.box
        assert item.instance_id is not None
        boxes[item.instance_id] = measure(
            film.world,
            item.instance_id,
            box.axes,
            box.centroid,
            float(np.linalg.norm(box.sides)),
        )
    names = {item.instance_id: item.category for item in film.world.objects}
    return Survey(scene, film.world, film, [frame.view for frame in filmed], boxes, names)


def gap(first: Box, second: Box) -> float:
    """Distance between two boxes, by least squares over a point of each."""
    span = np.concatenate([first.axes.T * first.half, -second.axes.T * second.half], 1)
    # The default method stops short of the minimum now and then.
    found = lsq_linear(span, second.middle - first.middle, (-1, 1), method="bvls")
    return float(np.sqrt(2 * found.cost))


def reach(point: np.ndarray, box: Box) -> float:
    """Distance from a point to a box."""
    offset = box.axes @ (point - box.middle)
    return float(np.linalg.norm(offset - np.clip(offset, -box.half, box.half)))


def options_of(question: Question) -> list[str]:
    return [option.split(". ", 1)[1] for option in question.options]


def frames_of(question: Question) -> list[int]:
    """Frames that the words speak of, from 0."""
    found = re.search(r"between frame (\d+) and frame (\d+) of \d+", question.question, re.I)
    if found:
        return [int(found[1]) - 1, int(found[2]) - 1]
    found = re.search(r"frame (\d+) of \d+", question.question)
    assert found, question.question
    return [int(found[1]) - 1]


def words(pattern: str, question: Question) -> tuple[str, ...]:
    found = re.search(pattern, question.question)
    assert found, question.question
    return found.groups()


def number_is(question: Question, value: float, slack: float) -> None:
    assert float(question.ground_truth) == pytest.approx(value, abs=slack), question


def choice_is(question: Question, answer: str) -> None:
    assert question.ground_truth == answer, question
    assert options_of(question)["ABCD".index(question.mc_answer)] == answer


def check_counting(world: Survey, question: Question) -> None:
    (name,) = words(r"How many (.+)\(s\) are", question)
    shown = {int(i) for view in world.frames for i in np.unique(view.instance)}
    number_is(question, len(shown & set(world.named(name))), 0)


def check_object_distance(world: Survey, question: Question) -> None:
    first, second = words(r"between the (.+) and the (.+) \(in meters", question)
    value = gap(world.only(first), world.only(second))
    number_is(question, value, ROUNDING + MEASURED)


def check_size(world: Survey, question: Question) -> None:
    (name,) = words(r"height\) of the (.+), measured", question)
    number_is(question, 200 * world.only(name).half.max(), 0.5 + 100 * MEASURED)


def check_room_size(world: Survey, question: Question) -> None:
    plan = world.scene.floor_plan
    assert plan is not None
    outlines = [
        np.linalg.norm(np.diff(room, axis=0, append=room[:1]), axis=1) for room in plan.rooms
    ]
    # A pixel of the floor along the walls may be one of the wall.
    slack = ROUNDING + FLOOR_PIXEL * float(np.concatenate(outlines).sum())
    number_is(question, floor_seen(world), slack)


def floor_seen(world: Survey) -> float:
    """Square metres of floor that cameras under the ceiling see, furniture taken away."""
    table = world.world.primitives
    # What lies on the floor or hangs from the ceiling is no wall.
    bounds = np.abs(table.rotation) @ table.half[:, :, None]
    low = table.center[:, 2] - bounds[:, 2, 0]
    high = table.center[:, 2] + bounds[:, 2, 0]
    kept = (table.instance < 0) & ((high < 0.005) | ((low < 0.05) & (high > 0.1)))
    # Through an open window one would see the floor go on.
    closing = world.named("window") + world.named("door")
    kept |= np.isin(table.instance, closing)
    fields = {name: values[kept] for name, values in vars(table).items()}
    bare = replace(world.world, primitives=replace(table, **fields))
    wide = Intrinsics(fx=150.0, fy=150.0, cx=299.5, cy=299.5, width=600, height=600)
    plan = world.scene.floor_plan
    assert plan is not None
    outline = np.concatenate(plan.rooms)
    cell = FLOOR_PIXEL
    low_xy, high_xy = outline.min(0) - 0.5, outline.max(0) + 0.5
    grid = np.stack(
        np.meshgrid(*(np.arange(a, b, cell) for a, b in zip(low_xy, high_xy, strict=True))), -1
    )
    floor = np.concatenate([grid.reshape(-1, 2), np.zeros((grid[..., 0].size, 1))], 1)
    seen = np.zeros(len(floor), bool)
    for room in plan.rooms:
        # The corner of an L hides a part from its middle: look from near every corner as well.
        for corner in room:
            if not shapely.contains_xy(shapely.Polygon(room), *(0.7 * corner + 0.3 * room.mean(0))):
                continue
            place = np.array([*(0.7 * corner + 0.3 * room.mean(0)), world.world.height - 0.1])
            pose = look_from(place, place - [0, 0, 1.0])
            view = render(bare, wide, pose, color=False)
            inside = (floor - place) @ pose[:3, :3]
            columns = np.rint(inside[:, 0] / inside[:, 2] * wide.fx + wide.cx).astype(int)
            rows = np.rint(inside[:, 1] / inside[:, 2] * wide.fy + wide.cy).astype(int)
            good = (columns >= 0) & (columns < wide.width) & (rows >= 0) & (rows < wide.height)
            depth = view.depth[rows[good], columns[good]]
            seen[np.flatnonzero(good)[np.abs(depth - inside[good, 2]) < 0.005]] = True
    for passage in plan.passages:
        low_xy, high_xy = passage.min(0), passage.max(0)
        seen &= ~((floor[:, :2] >= low_xy) & (floor[:, :2] <= high_xy)).all(1)
    return float(seen.sum()) * cell**2


def check_rel_distance(world: Survey, question: Question) -> None:
    (name,) = words(r"closest to the (.+)\?", question)
    target = world.only(name)
    distances = {
        option: min(gap(world.boxes[i], target) for i in world.named(option))
        for option in options_of(question)
    }
    choice_is(question, min(distances, key=distances.__getitem__))


def check_rel_direction(world: Survey, question: Question) -> None:
    stand, face, ask = words(r"by the (.+) and facing the (.+), is the (.+?) to ", question)
    here, there, asked = (world.only(name).middle[:2] for name in (stand, face, ask))
    forward, to = there - here, asked - here
    left = np.array([-forward[1], forward[0]])
    ahead, aside = to @ forward, to @ left
    options = set(options_of(question))
    behind = np.degrees(np.arccos(ahead / np.linalg.norm(to) / np.linalg.norm(forward))) > 135
    side = "left" if aside > 0 else "right"
    if "front-left" in options:
        choice_is(question, f"{'front' if ahead > 0 else 'back'}-{side}")
    else:
        choice_is(question, "back" if behind else side)


def check_appearance_order(world: Survey, question: Question) -> None:
    names = str(question.ground_truth).split(", ")
    first = []
    for name in names:
        numbers = world.named(name)
        shown = [i for i, view in enumerate(world.frames) if np.isin(view.instance, numbers).any()]
        first.append(min(shown))
    assert first == sorted(set(first)), question
    choice_is(question, ", ".join(names))


def check_route(world: Survey, question: Question) -> None:
    start, faced, goal = words(
        r"beginning by the (.+) and facing the (.+)\. You want to navigate to the (.+)\. You will",
        question,
    )
    stops = re.findall(r"Go forward until the (.+?)(?: \d+\.|\. You have)", question.question)
    assert stops[-1] == goal
    here = world.only(start).middle[:2]
    heading = world.only(faced).middle[:2] - here
    turns = []
    for stop in stops:
        leg = world.only(stop).middle[:2] - here
        cross = heading[0] * leg[1] - heading[1] * leg[0]
        angle = np.degrees(np.arctan2(cross, heading @ leg))
        turns.append(
            "Turn Back" if abs(angle) > 135 else f"Turn {'Left' if angle > 0 else 'Right'}"
        )
        here, heading = here + leg, leg
    choice_is(question, ", ".join(turns))


def check_camera_distance(world: Survey, question: Question) -> None:
    (name,) = words(r"nearest point of the (.+) in frame", question)
    (frame,) = frames_of(question)
    number = world.seen_as(name, frame)
    value = reach(world.camera(frame), world.boxes[number])
    number_is(question, value, ROUNDING + MEASURED)
    # Nothing of it that the frame shows is nearer than its box.
    view = world.frames[frame]
    camera = world.film.path.intrinsics
    shown = unproject(view.depth, camera, world.pose(frame), view.instance == number)
    nearest = np.linalg.norm(shown - world.camera(frame), axis=1).min()
    assert nearest > value - MEASURED, question


def check_camera_rel_distance(world: Survey, question: Question) -> None:
    (frame,) = frames_of(question)
    distances = {
        option: reach(world.camera(frame), world.boxes[world.seen_as(option, frame)])
        for option in options_of(question)
    }
    choice_is(question, min(distances, key=distances.__getitem__))


def in_camera(world: Survey, name: str, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of a box in a frame's camera."""
    pose = world.pose(frame)
    corners = (world.boxes[world.seen_as(name, frame)].corners() - pose[:3, 3]) @ pose[:3, :3]
    return corners.min(0), corners.max(0)


def check_position(axis: int, before: str, after: str) -> Callable[[Survey, Question], None]:
    patterns = {
        2: r"relative to the camera, is (.+) \[.+\] compared to (.+)\?",
        0: r"relative to (.+), is (.+) to the \[",
        1: r"relative to (.+), is (.+) to the \[",
    }

    def check(world: Survey, question: Question) -> None:
        first, second = words(patterns[axis], question)
        if axis != 2:
            first, second = second, first
        (frame,) = frames_of(question)
        low, high = in_camera(world, first, frame)
        other_low, other_high = in_camera(world, second, frame)
        assert high[axis] < other_low[axis] or low[axis] > other_high[axis], question
        choice_is(question, before if high[axis] < other_low[axis] else after)
        # What the pixels show must say the same as the boxes.
        view = world.frames[frame]
        shown = [
            view.depth[mask].mean() if axis == 2 else np.nonzero(mask)[1 - axis].mean()
            for name in (first, second)
            for mask in [view.instance == world.seen_as(name, frame)]
        ]
        assert (shown[0] < shown[1]) == (question.ground_truth == before), question

    return check


def check_displacement(world: Survey, question: Question) -> None:
    start, end = frames_of(question)
    value = float(np.linalg.norm(world.camera(end) - world.camera(start)))
    number_is(question, value, ROUNDING + 1e-6)


def check_movement(world: Survey, question: Question) -> None:
    start, end = frames_of(question)
    x, _, z = world.pose(start)[:3, :3].T @ (world.camera(end) - world.camera(start))
    choice_is(
        question,
        ("Forward" if z > 0 else "Backward") if abs(z) > abs(x) else ("Right" if x > 0 else "Left"),
    )


def check_distance_change(world: Survey, question: Question) -> None:
    (name,) = words(r"closer to the (.+) or farther", question)
    start, end = frames_of(question)
    box = world.boxes[world.seen_as(name, start)]
    before, after = reach(world.camera(start), box), reach(world.camera(end), box)
    choice_is(question, "Closer" if after < before else "Farther")


def check_location(world: Survey, question: Question) -> None:
    (name,) = words(r"Where is the (.+) now", question)
    last = len(world.frames) - 1
    box, pose = world.only(name), world.pose(last)
    number, distance = re.search(
        r"(?:(\d+) degrees (?:left|right), )?.*?([\d.]+) met", str(question.ground_truth)
    ).groups()  # type: ignore[union-attr]
    assert float(distance) == pytest.approx(reach(pose[:3, 3], box), abs=ROUNDING + MEASURED), (
        question
    )
    forward, to = pose[:2, 2], (box.middle - pose[:3, 3])[:2]
    angle = np.degrees(
        np.arctan2(forward[0] * to[1] - forward[1] * to[0], forward @ to)
    )  # positive left
    if number is not None:
        side = 1 if "left" in str(question.ground_truth) else -1
        turn = (side * float(number) - angle + 180) % 360 - 180
        assert abs(turn) <= 5 + 2, (question, angle)
    else:
        ahead = "ahead" in str(question.ground_truth)
        assert abs(angle) <= 10 if ahead else abs(angle) >= 170, (question, angle)


CHECKS: dict[QuestionType, Callable[[Survey, Question], None]] = {
    QuestionType.OBJECT_COUNTING: check_counting,
    QuestionType.OBJECT_ABS_DISTANCE: check_object_distance,
    QuestionType.OBJECT_SIZE_ESTIMATION: check_size,
    QuestionType.ROOM_SIZE_ESTIMATION: check_room_size,
    QuestionType.OBJECT_REL_DISTANCE_V1: check_rel_distance,
    QuestionType.OBJECT_REL_DISTANCE_V2: check_rel_distance,
    QuestionType.OBJECT_REL_DISTANCE_V3: check_rel_distance,
    QuestionType.OBJECT_REL_DIRECTION_V1: check_rel_direction,
    QuestionType.OBJECT_REL_DIRECTION_V2: check_rel_direction,
    QuestionType.OBJECT_REL_DIRECTION_V3: check_rel_direction,
    QuestionType.OBJ_APPEARANCE_ORDER: check_appearance_order,
    QuestionType.ROUTE_PLANNING: check_route,
    QuestionType.CAMERA_OBJ_ABS_DIST: check_camera_distance,
    QuestionType.CAMERA_OBJ_REL_DIST_V1: check_camera_rel_distance,
    QuestionType.CAMERA_OBJ_REL_DIST_V2: check_camera_rel_distance,
    QuestionType.CAMERA_OBJ_REL_DIST_V3: check_camera_rel_distance,
    QuestionType.OBJ_OBJ_RELATIVE_POS_NF: check_position(2, "Near", "Far"),
    QuestionType.OBJ_OBJ_RELATIVE_POS_LR: check_position(0, "Left", "Right"),
    QuestionType.OBJ_OBJ_RELATIVE_POS_UD: check_position(1, "Up", "Down"),
    QuestionType.CAMERA_DISPLACEMENT: check_displacement,
    QuestionType.CAMERA_MOVEMENT_DIRECTION: check_movement,
    QuestionType.CAMERA_OBJ_DIST_CHANGE: check_distance_change,
    QuestionType.OBJECT_LOCATION: check_location,
}


@pytest.fixture(scope="module")
def surveys() -> list[Survey]:
    return [survey(index) for index in range(SCENES)]


@pytest.fixture(scope="module")
def asked(surveys: list[Survey]) -> dict[QuestionType, list[tuple[Survey, Question]]]:
    worlds = {world.scene.name: world for world in surveys}
    plan = DraftPlan(dict.fromkeys(TASKS, 3), RuleSet.EXACT, seed=5)
    questions: dict[QuestionType, list[tuple[Survey, Question]]] = defaultdict(list)
    for question in make_questions((world.scene for world in surveys), plan):
        questions[question.question_type].append((worlds[question.scene_name], question))
    return questions


def pairs(surveys: list[Survey]) -> Iterator[tuple[Survey, int, Box]]:
    for world in surveys:
        for number, box in world.boxes.items():
            yield world, number, box


def test_boxes_are_those_of_the_pixels(surveys):
    for world, number, box in pairs(surveys):
        told = next(item.box for item in world.scene.objects if item.instance_id == number)
        where = f"{world.scene.name} {world.names[number]} {number}"
        np.testing.assert_allclose(2 * box.half, told.sides, atol=MEASURED, err_msg=where)
        np.testing.assert_allclose(box.middle, told.centroid, atol=MEASURED, err_msg=where)


def test_poses_are_those_that_the_depth_was_taken_from(surveys):
    for world in surveys[::5]:
        camera = world.film.path.intrinsics
        for i in range(0, len(world.frames) - 1, 8):
            depth = world.frames[i].depth
            points = unproject(depth, camera, world.pose(i), np.isfinite(depth))
            inside = (points - world.camera(i + 1)) @ world.pose(i + 1)[:3, :3]
            z = np.maximum(inside[:, 2], 1e-3)
            columns = np.rint(inside[:, 0] / z * camera.fx + camera.cx)
            rows = np.rint(inside[:, 1] / z * camera.fy + camera.cy)
            both = (inside[:, 2] > 0.1) & (columns >= 0) & (columns < camera.width)
            both &= (rows >= 0) & (rows < camera.height)
            if both.sum() < 2000:
                continue
            depth = world.frames[i + 1].depth[rows[both].astype(int), columns[both].astype(int)]
            # What hides something is nearer; nothing is seen through.
            difference = np.abs(depth / inside[both, 2] - 1)
            assert np.median(difference) < 0.02


@pytest.mark.parametrize("task", list(TASKS))
def test_the_truth_is_what_the_images_show(asked, task):
    found = asked[task]
    enough = len(found) >= SCENES // 3
    assert enough
    for world, question in found:
        CHECKS[task](world, question)
