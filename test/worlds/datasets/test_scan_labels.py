import pytest

from vlm3r_ros.worlds.datasets import labels
from vlm3r_ros.worlds.datasets.scannet_labels import LabelTable
from vlm3r_ros.worlds.skipping import SceneError

TABLE = LabelTable.from_rows(
    [
        ("chair", "2", "chair"),
        ("armchair", "23", "armchair"),
        ("lamp", "28", "lamp"),
        ("lamp base", "28", "lamp"),
        ("sofa", "1313", "sofa"),
        ("clothes", "32", "clothes"),
        ("wardrobe closet", "99", "wardrobe "),
        ("folded chairs", "1180", "folded chair"),
        ("stack of chairs", "2", "chair"),
        ("table lamp", "28", "lamp"),
    ]
)


@pytest.mark.parametrize(
    ("raw", "published", "default"),
    [
        ("chair", None, "chair"),
        ("armchair", None, "chair"),
        ("lamp", None, "lamp"),
        ("table lamp", None, "lamp"),
        ("sofa", None, "sofa"),
        ("couch", None, "sofa"),
        ("clothes", None, None),
        ("wardrobe closet", None, None),
        ("never annotated", None, None),
    ],
)
def test_the_default_finds_what_the_last_row_hides(raw, published, default):
    assert labels.SCANNET_PUBLISHED.category(TABLE.published_name(raw)) == published
    assert labels.SCANNET.category(TABLE.kind(raw)) == default


@pytest.mark.parametrize(
    ("raw", "one"),
    [
        *(("chair", True), ("clothes", True), ("table lamp", True), ("never annotated", True)),
        *(("stack of chairs", False), ("folded chairs", False), ("lamp base", False)),
    ],
)
def test_only_a_whole_thing_is_one(raw, one):
    assert TABLE.is_one(raw) is one


def test_lists_have_the_published_names_in_their_order():
    assert len(labels.SCANNETPP_PUBLISHED.categories) == 84
    assert labels.SCANNETPP_PUBLISHED.categories[:3] == ("table", "door", "ceiling lamp")
    assert labels.SCANNETPP_PUBLISHED.categories[-1] == "marker"
    assert len(set(labels.SCANNETPP_PUBLISHED.categories)) == 84
    assert labels.SCANNET.categories == labels.SCANNET_PUBLISHED.categories
    assert labels.SCANNET.categories[:2] == ("bed", "chair")
    assert labels.SCANNET.categories[-2:] == ("trash bin", "computer mouse")


@pytest.mark.parametrize(
    ("naming", "label", "name"),
    [
        (labels.SCANNETPP, "office chair", "chair"),
        (labels.SCANNETPP, "ceiling lamp", "ceiling light"),
        (labels.SCANNETPP, "mouse", "computer mouse"),
        (labels.SCANNETPP, "trash can", "trash bin"),
        (labels.SCANNETPP, "storage cabinet", None),
        (labels.SCANNETPP, "window", None),
        (labels.SCANNETPP, "SPLIT", None),
        (labels.SCANNETPP_PUBLISHED, "office chair", "office chair"),
        (labels.SCANNETPP_PUBLISHED, "window", "window"),
        (labels.SCANNETPP_PUBLISHED, "armchair", None),
        (labels.ARKITSCENES, "tv_monitor", "tv"),
        (labels.ARKITSCENES, "oven", None),
        (labels.ARKITSCENES, "washer", "washer"),
        (labels.ARKITSCENES_PUBLISHED, "tv_monitor", "tv_monitor"),
        (labels.ARKITSCENES_PUBLISHED, "oven", "oven"),
        (labels.SCANNET, "desk lamp", "lamp"),
        (labels.SCANNET_PUBLISHED, "recycling bin", "trash bin"),
    ],
)
def test_labels_are_called_as_the_mode_has_it(naming, label, name):
    assert naming.category(label) == name


def test_no_category_is_both_asked_about_and_merged_away():
    for naming in (labels.SCANNET, labels.SCANNETPP):
        assert not set(naming.categories) & set(naming.merges)
        assert not set(naming.categories) & naming.excluded


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(SceneError, match="it comes with ScanNet"):
        LabelTable.read([tmp_path])
