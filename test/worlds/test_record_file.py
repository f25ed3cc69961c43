import json

import pytest

from vlm3r_ros.worlds.record_file import RecordFile

RECORDS = {
    "room_1": {"size": 3.5, "names": ["a, b", 'c "d"']},
    'odd "name": {': {"nested": {"x": 1}},
    "größe": {"pose": float("inf")},
}


def in_lines() -> str:
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in RECORDS.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


@pytest.mark.parametrize(
    "text",
    [in_lines(), json.dumps(RECORDS), json.dumps(RECORDS, indent=2), json.dumps(RECORDS, indent=0)],
    ids=["an entry a line", "one line", "indented", "not indented"],
)
def test_every_layout_is_read(tmp_path, text):
    path = tmp_path / "records.json"
    path.write_text(text, encoding="utf-8")
    with RecordFile(path) as records:
        assert dict(records) == RECORDS
        assert len(records) == 3
        assert "room_1" in records
        assert records.get("room_2") is None
        with pytest.raises(KeyError):
            records["room_2"]


def test_entries_are_parsed_when_they_are_asked_for(tmp_path):
    path = tmp_path / "records.json"
    path.write_text('{\n"good": {"x": 1},\n"broken": {"x": }\n}\n')
    with RecordFile(path) as records:
        assert list(records) == ["good", "broken"]
        assert records["good"] == {"x": 1}
        with pytest.raises(ValueError, match="Expecting value"):
            records["broken"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{\n"a": {"x": 1},\n"b": {"x"', "3"])
def test_what_is_no_dictionary_is_refused(tmp_path, text):
    path = tmp_path / "records.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r".+"):
        RecordFile(path)
