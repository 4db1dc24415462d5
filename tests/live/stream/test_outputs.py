from __future__ import annotations

import pytest

from live.errors import StreamError
from live.frames import Picture
from live.latest import Closed, Latest
from live.show import Publish
from live.stream.hub import Hub
from live.stream.outputs import Outputs
from tests.live.stream.pattern import pattern


def picture(number: int) -> Picture:
    return Picture(pattern(number), number / 30, number, "generated")


def test_it_publishes_as_the_hub_does(hub: Hub) -> None:
    outputs: Publish = Outputs(hub, [])
    assert type(outputs.publish(picture(0))) is type(hub.publish(picture(1)))
    assert hub.counts.frames == 2


def test_every_mailbox_has_the_very_picture_before_it_is_encoded() -> None:
    boxes: list[Latest[Picture]] = [Latest(), Latest()]
    sent = picture(3)

    class Encoding:
        def publish(self, picture: Picture) -> object:
            assert [box.take(0) for box in boxes] == [sent, sent]
            return "encoded"

    assert Outputs(Encoding(), boxes).publish(sent) == "encoded"


def test_nobody_who_does_not_take_holds_it_up(hub: Hub) -> None:
    box: Latest[Picture] = Latest()
    outputs = Outputs(hub, [box])
    for number in range(100):
        outputs.publish(picture(number))
    newest = box.take(0)
    assert newest is not None
    assert newest.sequence == 99
    assert (box.dropped, hub.counts.frames) == (99, 100)


def test_the_mailboxes_are_filled_also_when_the_encoder_fails() -> None:
    class Failing:
        def publish(self, picture: Picture) -> object:
            raise StreamError("no encoder is left")

    box: Latest[Picture] = Latest()
    with pytest.raises(StreamError, match="no encoder"):
        Outputs(Failing(), [box]).publish(picture(7))
    assert box.take(0) is not None


def test_its_end_is_the_end_of_those_who_wait(hub: Hub) -> None:
    box: Latest[Picture] = Latest()
    outputs = Outputs(hub, [box])
    outputs.close()
    outputs.close()
    outputs.publish(picture(0))  # the last one of a show that ends
    with pytest.raises(Closed):
        box.take()
