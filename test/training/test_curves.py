from vlm3r_ros.training.curves import CurveFile, draw_curves, read_curves


def test_rows_are_read_back_with_columns_added_later(tmp_path):
    path = tmp_path / "a.csv"
    curve = CurveFile(path, 0)
    curve.append(1, {"loss": 2.5})
    curve.append(2, {"loss": 2.0, "rate": 0.1})
    assert read_curves(path) == [
        {"step": 1.0, "loss": 2.5},
        {"step": 2.0, "loss": 2.0, "rate": 0.1},
    ]


def test_a_resumed_run_drops_what_came_after_its_checkpoint(tmp_path):
    path = tmp_path / "a.csv"
    curve = CurveFile(path, 0)
    for step in (1, 2, 3):
        curve.append(step, {"loss": float(step)})
    resumed = CurveFile(path, 2)
    resumed.append(3, {"loss": 7.0})
    assert [row["loss"] for row in read_curves(path)] == [1.0, 2.0, 7.0]


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n1,2.5\n")
    with path.open("a") as file:
        file.write("\n")
    assert read_curves(path) == [{"step": 1.0, "loss": 2.5}]


def test_a_picture_is_drawn(tmp_path):
    training, evaluation = CurveFile(tmp_path / "a.csv", 0), CurveFile(tmp_path / "b.csv", 0)
    for step in range(50):
        training.append(step, {"loss": 1.0 / (step + 1)})
    evaluation.append(10, {"abs_rel": 0.5})
    draw_curves(tmp_path / "c.png", training, evaluation)
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
