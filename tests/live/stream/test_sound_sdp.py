from __future__ import annotations

from live.stream.hub import Hub
from live.stream.sound import Sound
from live.stream.sound_sdp import unlocked
from live.stream.sound_source import ScriptedSound
from tests.live.stream.sounds import clicks
from tests.live.stream.test_peer import meet
from tests.live.stream.watcher import Watcher

ANSWER = (
    "v=0\r\nm=audio 9\r\na=msid:both sound\r\na=mid:0\r\n"
    "m=video 9\r\na=msid:both picture\r\na=mid:1\r\nm=application 9\r\na=mid:2\r\n"
)


def streams(answer: str, kind: str) -> list[str]:
    """The MediaStreams of a section, in order."""
    (section,) = (one for one in answer.split("m=")[1:] if one.startswith(kind))
    lines = [one for one in section.splitlines() if one.startswith("a=msid:")]
    return [one.removeprefix("a=msid:").split()[0] for one in lines]


def test_the_picture_gets_a_stream_of_its_own_before_the_common_one() -> None:
    made = unlocked(ANSWER)
    own, common = streams(made, "video")
    assert common == "both"
    assert own not in ("both", streams(unlocked(ANSWER), "video")[0])
    assert f"a=msid:{own} picture\r\na=msid:both picture\r\n" in made
    assert made.replace(f"a=msid:{own} picture\r\n", "") == ANSWER, "nothing else is changed"


def test_an_answer_without_streams_is_left_alone() -> None:
    assert unlocked("v=0\r\nm=video 9\r\na=inactive\r\n") == "v=0\r\nm=video 9\r\na=inactive\r\n"


async def test_a_viewer_is_answered_so(hub: Hub) -> None:
    watcher, sound = Watcher("", sound=True), Sound(ScriptedSound(clicks))
    peer = await meet(hub, watcher, sound)  # type: ignore[arg-type]
    own, common = streams(watcher.answer, "video")
    assert own != common
    assert streams(watcher.answer, "audio") == [common]
    await peer.close()
    await watcher.connection.close()
    sound.close()


async def test_a_show_without_sound_is_answered_as_ever(hub: Hub) -> None:
    watcher = Watcher("")
    peer = await meet(hub, watcher, None)
    assert len(streams(watcher.answer, "video")) == 1
    await peer.close()
    await watcher.connection.close()
