import pickle

from vlm3r_ros.worlds.skipping import SceneError, SkipLog


def test_nothing_skipped_is_nothing_to_say():
    assert SkipLog().summary() == ""


def test_the_summary_counts_by_field_and_names_a_few_scenes():
    skips = SkipLog()
    for number in range(5):
        skips.add(SceneError(f"scene{number}", "room_size", "is not finite"))
    skips.add(SceneError("scene9", "", "empty"))
    assert skips.summary() == (
        "6 skipped: 5 room_size (scene0, scene1, scene2, ...); 1 scene (scene9)"
    )


def test_an_error_survives_the_way_back_from_a_worker():
    error = pickle.loads(pickle.dumps(SceneError("a", "b", "c")))
    assert (error.scene, error.field, error.problem) == ("a", "b", "c")
    assert str(error) == "a: b: c"
