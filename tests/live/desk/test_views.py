"""What the operator's pictures show, without sockets: sizes, skeleton, portrait."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.desk.overlay import Overlay, fitted
from live.desk.thumb import HEIGHT_PX, thumb_of
from live.desk.views import MOST_CODED, NAMES, WIDEST_PX, Views
from live.desk.web_subject import SubjectTeller
from live.frames import Frame, Label, Picture, Pose, Region
from live.latest import Latest
from live.picture_size import size_of
from live.skeleton import INDEX, JOINTS
from live.subject import Subject, load_subject

DEMO = Path(__file__).parents[3] / "live" / "assets" / "demo" / "subject"


@pytest.fixture(scope="module")
def subject() -> Subject:
    return load_subject(DEMO)


def frame(height: int = 240, width: int = 320) -> Frame:
    return Frame(np.full((height, width, 3), 100, np.uint8), 0.0, 0)


def pose(height: int, width: int) -> Pose:
    """A right upper arm, level, in the middle of a frame of that size."""
    points = np.full((len(JOINTS), 2), np.nan, np.float32)
    scores = np.zeros(len(JOINTS), np.float32)
    for name, x in (("right_shoulder", 0.25), ("right_elbow", 0.75)):
        points[INDEX[name]] = (x * width, 0.5 * height)
        scores[INDEX[name]] = 1.0
    return Pose(points, scores, 0.0, (height, width))


def test_the_skeleton_is_where_the_person_is_at_any_size() -> None:
    for width in (320, 160):
        image = Overlay().draw(frame(), pose(240, 320), width)
        height = width * 3 // 4
        assert image.shape == (height, width, 3)
        assert tuple(image[height // 2, width // 2]) == (255, 180, 0)  # RGB, the limb's own
        assert tuple(image[2, 2]) == (75, 75, 75)  # the room, dimmed


def test_points_that_are_nowhere_draw_nothing() -> None:
    lost = pose(240, 320)
    wild = replace(lost, points=np.full_like(lost.points, np.nan))
    bare = Overlay().draw(frame(), None, 320)
    assert (Overlay().draw(frame(), wild, 320) == bare).all()
    far = replace(lost, points=np.full_like(lost.points, 1e30))
    assert Overlay().draw(frame(), far, 320).shape == bare.shape


def test_a_picture_is_never_made_wider() -> None:
    small = frame().image
    assert fitted(small, 640) is small
    assert fitted(np.zeros((2, 4000, 3), np.uint8), 64).shape == (1, 64, 3)


def test_the_frame_that_is_drawn_on_is_a_copy() -> None:
    seen = frame()
    Overlay().draw(seen, pose(240, 320), 320)
    assert (seen.image == 100).all()


def test_there_is_nothing_before_the_first_picture_and_the_last_one_stays() -> None:
    box: Latest[Picture] = Latest()
    views = Views(lambda: None, lambda: None, box)
    assert [views.jpeg(name, 320) for name in NAMES] == [b"", b"", b""]
    box.put(Picture(np.zeros((64, 64, 3), np.uint8), 0.0, 0, "generated"))
    coded = views.jpeg("output", 320)
    assert size_of(coded) == (64, 64)
    box.close()
    assert views.jpeg("output", 320) == coded
    assert Views(lambda: None, lambda: None).jpeg("output", 320) == b""


def test_widths_are_kept_within_bounds_and_few() -> None:
    label = Label(np.zeros((40, 4000, 3), np.uint8), 0.0, Region(0, 0, 1, 1))
    views = Views(lambda: None, lambda: label)
    assert size_of(views.jpeg("label", 10**9)) == (13, WIDEST_PX)
    assert size_of(views.jpeg("label", -5)) == (1, 64)
    for width in range(64, 64 + 3 * MOST_CODED):
        views.jpeg("label", width)
    assert len(views._coded) <= MOST_CODED


def test_a_picture_that_cannot_be_coded_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    broken = Label(np.zeros((0, 0, 3), np.uint8), 0.0, Region(0, 0, 1, 1))
    views = Views(lambda: None, lambda: broken)
    assert [views.jpeg("label", 320) for _ in range(3)] == [b"", b"", b""]
    assert caplog.text.count("was not made") == 1


def test_the_portrait_is_small_and_coded_anew(subject: Subject) -> None:
    url = thumb_of(subject)
    assert url is not None
    size = size_of(base64.b64decode(url.partition(",")[2]))
    assert size is not None
    assert size[0] == HEIGHT_PX


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"GIF89a", b"\xff\xd8\xff\xc0" + b"\xff" * 9]
)
def test_a_portrait_that_is_none_is_left_out(
    subject: Subject, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "thumb.jpg").write_bytes(content)
    assert thumb_of(replace(subject, origin=tmp_path)) is None


def test_a_portrait_that_would_unpack_to_gigabytes_is_left_out(
    subject: Subject, tmp_path: Path
) -> None:
    _, coded = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))
    content = coded.tobytes()
    at = content.index(b"\xff\xc0") + 5
    (tmp_path / "thumb.jpg").write_bytes(content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :])
    assert thumb_of(replace(subject, origin=tmp_path)) is None


def test_the_size_of_a_portrait_is_read_as_the_decoder_reads_it(
    subject: Subject, tmp_path: Path
) -> None:
    _, coded = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))
    content = coded.tobytes()
    at = content.index(b"\xff\xc0") + 5
    large = content[:at] + b"\x20\x00\x20\x00" + content[at + 4 :]
    # TEM has no length (T.81, B.1.1.3): who takes what follows for one, 0xFFFE, jumps over the real
    # header to one within the comment.
    small = b"\xff\xc0\x00\x11\x08\x00\x10\x00\x10"
    comment = b"\xff\xfe\xff\xff" + b"\0" * 0xFFFD
    hidden = bytearray(b"\xff\xd8\xff\x01" + comment + comment + large[2:])
    hidden[4 + 0xFFFE : 4 + 0xFFFE + len(small)] = small
    (tmp_path / "thumb.jpg").write_bytes(hidden)
    assert thumb_of(replace(subject, origin=tmp_path)) is None


def test_a_bundle_without_a_portrait_or_folder(subject: Subject, tmp_path: Path) -> None:
    assert thumb_of(replace(subject, origin=tmp_path / "gone")) is None


def test_a_subject_that_is_not_at_hand_is_told_by_its_name() -> None:
    told = SubjectTeller(lambda: ("demo", None), lambda name: None).tell()
    assert told == {"name": "demo", "consent": "", "acknowledged": True, "thumb": None}


def test_the_name_that_changes_before_the_subject_does_is_told_right_in_the_end(
    subject: Subject,
) -> None:
    other = replace(subject, manifest=replace(subject.manifest, consent=None), sha256="1" * 64)
    shown = [("demo", subject)]
    teller = SubjectTeller(lambda: shown[0], lambda name: None)
    assert teller.acknowledged()
    shown[0] = ("other", subject)  # it is exchanged with the next picture
    assert teller.tell()["name"] == "other"
    shown[0] = ("other", other)
    assert not teller.acknowledged()
