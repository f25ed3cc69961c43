"""Batched answers are those of one question at a time, and a stream asks at the right moment."""

import copy
from pathlib import Path

import pytest
import torch

from vlm3r_ros.assistant import GeometryTracker
from vlm3r_ros.benchmarks.model_responders import (
    BlindResponder,
    OfflineResponder,
    StreamResponder,
)
from vlm3r_ros.benchmarks.responders import Response
from vlm3r_ros.benchmarks.videos import follow_camera, read_clip
from vlm3r_ros.models.prompts import chat_prompt
from vlm3r_ros.recordings import RecordingError, open_recording
from vlm3r_ros.worlds.skipping import SceneError

FRAMES = 9
SHOWN = 4  # frames 0, 2, 5, 8
TOKENS = 6
LETTERED = ["A. left", "B. right"]


@pytest.fixture(scope="module")
def video(tmp_path_factory, write_video) -> Path:
    return write_video(tmp_path_factory.mktemp("videos") / "scene0.mp4", FRAMES)


@pytest.fixture
def generate(network, video):
    """Token ids by one `generate()` on the whole prompt, everything computed anew."""
    model, processor = network
    every = [processor.resize(frame.image) for frame in open_recording(video)]

    def run(asked, shown) -> tuple[int, ...]:
        ids = model.generate(
            processor.tokenize(chat_prompt(asked.prompt)),
            processor.frames([every[index] for index in shown]),
            max_new_tokens=TOKENS,
            do_sample=False,
        )[0].tolist()
        ends = {model.generation_config.eos_token_id, processor.tokenizer.eos_token_id}
        return tuple(token for token in ids if token not in ends)

    return run


def answers(responder, questions, video) -> dict[int, Response]:
    return {asked.number: response for asked, response in responder.respond(questions, video)}


@pytest.fixture
def mixed(ask):
    """Questions of every kind about one video."""
    return [
        ask("object_counting", 4, number=0),
        ask("object_rel_direction_easy", "B", LETTERED, number=1),
        ask("camera_displacement", 1.2, number=2, question="From frame 2 to frame 3 of 4?"),
        ask("obj_obj_relative_pos_lr", "A", LETTERED, number=3, question="In frame 1 of 4?"),
        ask("object_counting", 2, number=4, question="How many?\nIn all rooms."),
        ask("object_location", "ahead, 2.0 meters", number=5, frame_indices=[2]),
    ]


def test_batched_answers_are_token_for_token_those_of_single_ones(network, video, mixed, generate):
    got = answers(OfflineResponder(*network, num_frames=SHOWN, max_new_tokens=TOKENS), mixed, video)
    assert sorted(got) == [0, 1, 2, 3, 4, 5]
    for asked in mixed[:5]:
        assert got[asked.number].token_ids == generate(asked, [0, 2, 5, 8])
        assert 0 < got[asked.number].timings["first_token"] <= got[asked.number].timings["total"]
    # What is asked about "now" sees nothing of what comes later.
    assert got[5].token_ids == generate(mixed[5], [0, 2])


def test_a_model_that_can_be_told_poses_is_told_those_of_odometry(network, video, mixed):
    model, processor = copy.deepcopy(network[0]), network[1]
    torch.manual_seed(0)
    dim = model.config.geometry_config.decoder_dim
    model.add_pose_readout().fit(torch.randn(300, 1, dim), torch.randn(300, 4, 4))
    clip = read_clip(video, processor.resize, SHOWN)
    poses = follow_camera(video, processor.resize, GeometryTracker(model, processor), clip.indices)
    with torch.no_grad():
        pixels = processor.normalize(clip.images)
        camera, _, _ = model.encode_geometry(pixels)
        placed = model.place_cameras(camera, torch.from_numpy(poses))
    assert not torch.allclose(placed, camera)
    for odometry, tokens in ((True, placed), (False, camera)):
        responder = OfflineResponder(
            model, processor, num_frames=SHOWN, max_new_tokens=TOKENS, odometry=odometry
        )
        keyframes = responder._keyframes(clip, video)
        told = torch.cat([keyframe.camera_token for keyframe in keyframes])
        torch.testing.assert_close(told, tokens, atol=1e-4, rtol=1e-4)
        assert sorted(answers(responder, mixed, video)) == [0, 1, 2, 3, 4, 5]


def test_answers_do_not_depend_on_company_or_order(network, video, mixed):
    responder = OfflineResponder(*network, num_frames=SHOWN, max_new_tokens=TOKENS)
    together = answers(responder, mixed[::-1], video)
    for asked in mixed:
        alone = answers(responder, [asked], video)[asked.number]
        assert alone.token_ids == together[asked.number].token_ids


def test_a_short_video_is_shown_whole(network, video, mixed, generate):
    got = answers(OfflineResponder(*network, max_new_tokens=TOKENS), mixed[:1], video)
    assert got[0].token_ids == generate(mixed[0], range(FRAMES))


def test_a_question_that_is_too_long_is_refused_and_the_others_are_answered(network, video, ask):
    long = ask("object_counting", 4, number=1, question="How many? " * 4000)
    got = answers(
        OfflineResponder(*network, num_frames=2, max_new_tokens=TOKENS),
        [long, ask("object_counting", 4)],
        video,
    )
    assert isinstance(got[1], SceneError)
    assert "tokens long" in got[1].problem
    assert isinstance(got[0], Response)
    streamed = answers(
        StreamResponder(*network, num_frames=2, max_new_tokens=TOKENS), [long], video
    )
    assert isinstance(streamed[1], SceneError)


@pytest.mark.parametrize("responder", [OfflineResponder, StreamResponder])
def test_a_file_that_is_no_video_is_an_error(network, tmp_path, mixed, responder):
    (tmp_path / "scene0.mp4").write_text("hello")
    with pytest.raises(RecordingError, match="not a video"):
        list(responder(*network).respond(mixed, tmp_path / "scene0.mp4"))


class TestStream:
    @pytest.fixture
    def expected(self, network, video):
        """Tokens of an answer after some keyframes, with geometry of every frame before them."""
        model, processor = network
        clip = read_clip(video, processor.resize, FRAMES)
        pixels = processor.normalize(clip.images)

        def run(asked, keyframes, fed=range(FRAMES)) -> tuple[int, ...]:
            with torch.inference_mode():
                fed = [index for index in fed if index <= max(keyframes)]
                camera, patches, _ = model.encode_geometry(pixels[list(fed)])
                places = [fed.index(index) for index in keyframes]
                ids = model.generate(
                    processor.tokenize(chat_prompt(asked.prompt)),
                    pixels[list(keyframes)],
                    camera_tokens=camera[places],
                    patch_tokens=patches[places],
                    max_new_tokens=TOKENS,
                    do_sample=False,
                )[0].tolist()
            ends = {model.generation_config.eos_token_id, processor.tokenizer.eos_token_id}
            return tuple(token for token in ids if token not in ends)

        return run

    def test_questions_about_frames_come_when_the_latest_has_been_seen(
        self, network, video, mixed, expected
    ):
        responder = StreamResponder(*network, num_frames=SHOWN, max_new_tokens=TOKENS)
        order = [asked.number for asked, _ in responder.respond(mixed[2:], video)]
        assert order == [3, 5, 2, 4]
        got = answers(responder, mixed, video)
        assert got[3].token_ids == expected(mixed[3], [0])
        assert got[5].token_ids == expected(mixed[5], [0, 2])
        assert got[2].token_ids == expected(mixed[2], [0, 2, 5])

    def test_frames_can_be_thinned_but_not_those_that_are_counted(
        self, network, video, mixed, expected
    ):
        # 10 frames a second, 3 wanted: 0, 4 and 8 beside 0, 2, 5 and 8.
        responder = StreamResponder(*network, num_frames=SHOWN, max_new_tokens=TOKENS, fps=3)
        got = answers(responder, mixed[2:3], video)
        assert got[2].token_ids == expected(mixed[2], [0, 2, 5], fed=[0, 2, 4, 5])

    def test_a_stream_of_the_shown_frames_alone_is_the_offline_evaluation(
        self, network, video, ask, generate
    ):
        asked = ask("camera_displacement", 1.2, question=f"From frame 2 to frame {FRAMES} of 9?")
        got = answers(StreamResponder(*network, max_new_tokens=TOKENS), [asked], video)
        assert got[0].token_ids == generate(asked, range(FRAMES))

    def test_a_question_about_the_video_comes_at_its_end_and_does_not_mind_others(
        self, network, video, mixed
    ):
        responder = StreamResponder(*network, num_frames=4, max_new_tokens=TOKENS)
        alone = answers(responder, mixed[:1], video)
        assert alone[0].token_ids == answers(responder, mixed, video)[0].token_ids
        assert alone[0].timings["video"] > 0

    @pytest.mark.parametrize(
        ("words", "ids", "seen"),
        [
            ("In frame 2 of 4?", [], [0, 2]),
            ("Between frame 3 and frame 2 of 4?", [0], [0, 2, 5]),
            ("In frame 40 of 4?", [], [0, 2, 5, 8]),
            ("And then?", [2], [0, 2]),
            ("And then?", [4], [0, 2]),
            ("And then?", [5, 7], [0, 2, 5]),
            ("And then?", [], [0, 2, 5, 8]),
            ("And then?", ["DSC01752"], [0, 2, 5, 8]),
        ],
    )
    def test_the_moment_is_that_of_the_latest_frame_spoken_of(
        self, network, video, ask, expected, words, ids, seen
    ):
        asked = ask("camera_displacement", 1.2, question=words, frame_indices=ids)
        got = answers(
            StreamResponder(*network, num_frames=SHOWN, max_new_tokens=TOKENS), [asked], video
        )
        assert got[0].token_ids == expected(asked, seen)


def test_the_blind_model_reads_the_same_words_without_frames(network, mixed):
    model, processor = network
    got = answers(BlindResponder(*network, max_new_tokens=TOKENS), mixed, None)
    for asked in mixed:
        prompt = chat_prompt(asked.prompt.replace("<image>\n", ""))
        ids = processor.tokenizer(prompt, add_special_tokens=False, return_tensors="pt").input_ids
        with torch.inference_mode():
            for _ in range(TOKENS):
                logits = model.language_model(input_ids=ids).logits[0, -1]
                ids = torch.cat((ids, logits.argmax()[None, None]), dim=1)
        written = ids[0, -TOKENS:].tolist()
        count = len(got[asked.number].token_ids)
        assert got[asked.number].token_ids == tuple(written[:count])


def test_what_is_denied_changes_the_answer(network, video, mixed):
    model, processor = network
    texts = []
    try:
        for features in ("all", "camera_tokens", "patch_tokens", "none"):
            model.config.spatial_features = features
            got = answers(
                OfflineResponder(model, processor, num_frames=SHOWN, max_new_tokens=TOKENS),
                mixed,
                video,
            )
            texts.append(tuple(got[number].token_ids for number in sorted(got)))
    finally:
        model.config.spatial_features = "all"
    assert len(set(texts)) == 4
