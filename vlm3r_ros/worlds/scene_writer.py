"""One scene of a data set: filmed, written, described."""

from __future__ import annotations

from contextlib import ExitStack

from vlm3r_ros.worlds.bag_writer import BagWriter
from vlm3r_ros.worlds.dataset_folder import DatasetFolder, DatasetSettings
from vlm3r_ros.worlds.filming import Film, FilmedFrame, model_frames
from vlm3r_ros.worlds.image_writer import write_depth, write_instances
from vlm3r_ros.worlds.scene import SceneFrame
from vlm3r_ros.worlds.scene_records import SceneRecords, scene_records
from vlm3r_ros.worlds.video_writer import VideoWriter
from vlm3r_ros.worlds.world import WorldId


def write_scene(
    folder: DatasetFolder, world_id: WorldId, settings: DatasetSettings
) -> SceneRecords:
    """Film a world and write what the settings ask for.

    Only the frames of the metadata are rendered where neither video nor bag is asked for.

    Returns:
        Its metadata, with the visibility of the rendering.

    Raises:
        SceneError: no such world can be furnished or walked through.
        OSError: the folder cannot be written.
    """
    name = world_id.name
    film = Film.of(world_id, settings.film)
    described = model_frames(settings.film.frames)
    moving = settings.videos or settings.bags
    scene_frames: list[SceneFrame] = []
    with ExitStack() as stack:
        writers: list[VideoWriter | BagWriter] = []
        if settings.videos:
            size = settings.film.width, settings.film.height
            video = VideoWriter(folder.video(name), *size, fps=settings.film.fps)
            writers.append(stack.enter_context(video))
        if settings.bags:
            path = film.path
            bag = BagWriter(folder.bag(name), path.intrinsics, path.T_world_camera, path.times)
            writers.append(stack.enter_context(bag))
        for frame in film.frames(None if moving else described, color=moving):
            for writer in writers:
                writer.write(frame.color)
            if frame.index in described:
                scene_frames.append(_describe(folder, film, frame, settings))
    return scene_records(film.scene(scene_frames, folder.relative(folder.video(name))))


def _describe(
    folder: DatasetFolder, film: Film, frame: FilmedFrame, settings: DatasetSettings
) -> SceneFrame:
    """Write a metadata frame's images and say what is seen in it."""
    name = film.world.id.name
    depth_path = ""
    if settings.depth:
        path = folder.depth(name, frame.index)
        write_depth(path, frame.view.depth)
        depth_path = folder.relative(path)
    if settings.instances:
        write_instances(folder.instances(name, frame.index), frame.view.instance)
    return film.scene_frame(frame, depth_path)
