"""OSC over real UDP: orders in, the desk's state out, and whatever a stranger may send."""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator

import pytest

from live.desk.complaints import MOST
from live.desk.desk import Desk
from live.desk.osc import Osc
from live.desk.osc_packets import LARGEST_BYTES, write_message
from live.desk.osc_settings import OscSettings, OscTarget, add_osc_arguments, osc_settings
from live.errors import DeskError, SetupError, SubjectError
from tests.live.desk.osc_desk import OtherDesk, other_desk, until

IMMEDIATELY = 1
NOW = b"#bundle\0" + IMMEDIATELY.to_bytes(8, "big")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def other() -> Iterator[OtherDesk]:
    with other_desk() as found:
        yield found


@pytest.fixture
def osc(desk: Desk, other: OtherDesk) -> Iterator[Osc]:
    found = Osc(OscSettings(0, to=(OscTarget("127.0.0.1", other.port),)), desk)
    found.start()
    yield found
    found.close()


def bundle(*elements: bytes, tag: int = IMMEDIATELY) -> bytes:
    sized = b"".join(struct.pack(">i", len(one)) + one for one in elements)
    return b"#bundle\0" + tag.to_bytes(8, "big") + sized


def time_tag(from_now_s: float) -> int:
    return int((time.time() + from_now_s + 2_208_988_800) * 2**32)


def settled(osc: Osc, other: OtherDesk) -> None:
    """All that was sent before has been read: one thread reads them in their order."""
    other.send(osc.port, "/understudy/ping")
    other.hear("/understudy/pong")


def test_what_is_sent_is_set(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    sent: dict[str, list[object]] = {
        "/understudy/figure/scale": [1.2],
        "/understudy/mirror": [1],
        "/understudy/freeze": [True],
        "/understudy/face": [0.0],
        "/understudy/background": ["green"],
        "/understudy/on": [2],
        "/understudy/background/colour": ["#10A020"],
    }
    for address, arguments in sent.items():
        other.send(osc.port, address, *arguments)
    settled(osc, other)
    values = desk.values()
    assert values["figure.scale"] == 1.2, "and not 1.2000000476837158"
    assert (values["mirror"], values["freeze"], values["face"]) == (True, True, False)
    assert (values["background"], values["on"]) == ("green", "bar")
    assert values["background.colour"] == "#10a020"
    other.send(osc.port, "/understudy/background/colour", 1.0, 0.5, 0.0)
    settled(osc, other)
    assert desk.value("background.colour") == "#ff8000"
    assert osc.counts.refused == 0


def test_a_second_number_is_the_fade(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    other.send(osc.port, "/understudy/master", 0.0, 600.0)
    settled(osc, other)
    assert 0.9 < float(desk.value("master")) <= 1.0 and desk.kept()["master"] == 0.0
    told = [float(str(other.hear("/understudy/master")[0])) for _ in range(3)]
    assert told == sorted(told, reverse=True), "what glides is told as it glides"


def test_a_fade_is_told_to_its_end(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    other.send(osc.port, "/understudy/master", 0.25, 0.15)
    while other.hear("/understudy/master") != [0.25]:
        pass


def test_a_button_does_its_work_once(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    done: list[tuple[object, ...]] = []
    desk.on_do("go", lambda: done.append(()))
    desk.on_do("cue.jump", lambda number: done.append((number,)))
    desk.on_do("preset.recall", lambda name, fade_s=0.0: done.append((name, fade_s)))
    for argument in (1.0, 0.0, 1, 0, True, False):
        other.send(osc.port, "/understudy/go", argument)
    other.send(osc.port, "/understudy/go")
    settled(osc, other)
    assert done == [()] * 4
    other.send(osc.port, "/understudy/cue/jump", 0)
    other.send(osc.port, "/understudy/cue/jump", 3)
    other.send(osc.port, "/understudy/preset/recall", "chorus", 2.5)
    other.send(osc.port, "/understudy/preset/recall", 0.0)
    settled(osc, other)
    assert done[4:] == [(0,), (3,), ("chorus", 2.5)], "0 is a number for who takes numbers"


def test_toggle_turns_over_on_press_alone(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    seen = []
    for arguments in ([1.0], [0.0], [], [1]):
        other.send(osc.port, "/understudy/mirror/toggle", *arguments)
        settled(osc, other)
        seen.append(desk.value("mirror"))
    assert seen == [True, True, False, True]


def test_what_anybody_sets_is_told(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    desk.set("figure.x", 0.5, by="console")
    assert other.hear("/understudy/figure/x") in ([0.0], [0.5])
    desk.set("mirror", True, by="console")
    while other.hear("/understudy/mirror") != [1]:
        pass
    desk.report({"fps": 29.5, "health": "good"})
    while other.hear("/understudy/fps") != [29.5]:
        pass
    desk.offer("subject", ["ada", "bo"])
    while other.hear("/understudy/subject/choices") != ["ada", "bo"]:
        pass


def test_readings_come_ten_times_a_second_at_most(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    settled(osc, other)
    began_s = time.monotonic()
    for number in range(300):
        desk.report({"novelty": number / 10})
        time.sleep(0.001)
    while other.hear("/understudy/novelty") != [pytest.approx(29.9)]:
        pass
    lasted_s = time.monotonic() - began_s
    count = sum(address == "/understudy/novelty" for address, _ in other.heard)
    assert count <= lasted_s / 0.1 + 3, "and the newest came last"


def test_a_moving_fader_is_not_pulled_back(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    settled(osc, other)
    desk.set("smoothing", 0.25, by="console")
    while other.hear("/understudy/smoothing") != [0.25]:
        pass
    other.heard.clear()
    sent = [number / 64 for number in range(32, 64)]
    for value in sent:
        other.send(osc.port, "/understudy/smoothing", value)
    while other.hear("/understudy/smoothing") != [sent[-1]]:
        pass
    told = sum(address == "/understudy/smoothing" for address, _ in other.heard)
    assert told <= 3, "once, where it rests; a busy machine may rest in between"


def test_another_machine_sees_the_fader_move(desk: Desk, other: OtherDesk) -> None:
    """Two tablets, as far as the desk can tell: one at 127.0.0.1, the other at 127.0.0.2."""
    tablet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        tablet.bind(("127.0.0.2", 0))
    except OSError:
        tablet.close()
        pytest.skip("this system has one loopback address")
    osc = Osc(OscSettings(0, to=(OscTarget("127.0.0.1", other.port),)), desk)
    osc.start()
    try:
        tablet.sendto(write_message("/understudy/smoothing", 0.75), ("127.0.0.1", osc.port or 0))
        while other.hear("/understudy/smoothing") != [0.75]:
            pass
    finally:
        tablet.close()
        osc.close()


def test_sync_tells_everything(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    desk.report({"fps": 25.0})
    settled(osc, other)
    other.heard.clear()
    other.send(osc.port, "/understudy/sync")
    missing = {one.address for one in desk.parameters() if one.name in desk.values()}
    missing.add("/understudy/background/choices")
    while missing:
        address = next(iter(missing))
        if all(address != known for known, _ in other.heard):
            other.hear(address)
        missing -= {known for known, _ in other.heard}


@pytest.mark.parametrize(
    ("address", "arguments", "says"),
    [
        ("/understudy/figure/scal", [1.0], "no OSC address"),
        ("/understudy", [], "no OSC address"),
        ("/other/program", [1], "no OSC address"),
        ("/understudy/figure/scale", [9.0], "give from 0.25 to 4"),
        ("/understudy/figure/scale", [float("nan")], "give a number"),
        ("/understudy/figure/scale", [float("inf")], "give a number"),
        ("/understudy/figure/scale", ["big"], "give a number"),
        ("/understudy/figure/scale", [True], "give a number"),
        ("/understudy/figure/scale", [], "takes a value"),
        ("/understudy/figure/scale", [1.0, 2.0, 3.0], "takes a value"),
        ("/understudy/figure/scale", [1.0, -1.0], "a fade of"),
        ("/understudy/figure/scale", [1.0, "slow"], "a fade that is no number"),
        ("/understudy/figure/scale", [None], "was given NoneType"),
        ("/understudy/figure/scale", [b"blob"], "was given bytes"),
        ("/understudy/figure/scale", [[1.0]], "was given list"),
        ("/understudy/figure/scale/toggle", [], "no OSC address"),
        ("/understudy/mirror", [2], "give true or false"),
        ("/understudy/mirror/toggle", [5], "a button's 1 and 0"),
        ("/understudy/background", ["lava"], "there is plate"),
        ("/understudy/background", [4], "there is plate"),
        ("/understudy/background", [0.5], "there is plate"),
        ("/understudy/background/colour", ["red"], "give #rrggbb"),
        ("/understudy/background/colour", [1.0, 2.0, 0.0], "from 0 to 1"),
        ("/understudy/fps", [60.0], "is read, not set"),
        ("/understudy/go", [], "cannot be done in this show"),
        ("/understudy/reset", ["now"], "takes nothing"),
        ("/understudy/preset/recall", ["a\nb"], "cannot be printed"),
    ],
    ids=str,
)
def test_a_wrong_order_is_answered_and_changes_nothing(
    osc: Osc, desk: Desk, other: OtherDesk, address: str, arguments: list[object], says: str
) -> None:
    desk.on_do("reset", lambda: None)
    before = desk.values()
    other.send(osc.port, address, *arguments)
    (sentence,) = other.hear("/understudy/error")
    assert says in str(sentence)
    assert desk.values() == before
    settled(osc, other)
    assert osc.counts.refused == 1


def test_a_refused_fader_is_put_back(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    other.send(osc.port, "/understudy/sync")
    other.hear("/understudy/recording")
    other.send(osc.port, "/understudy/figure/scale", 9.0)
    other.hear("/understudy/error")
    other.heard.clear()
    assert other.hear("/understudy/figure/scale") == [1.0]


def test_what_a_handler_raises_is_answered(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    def fail(value: object) -> None:
        raise SubjectError("ada.zip is broken; export it again")

    def crash() -> None:
        raise ZeroDivisionError("a mistake of ours")

    desk.offer("subject", ["ada"])
    desk.on_set("subject", fail)
    desk.on_do("reset", crash)
    other.send(osc.port, "/understudy/subject", "ada")
    assert "ada.zip is broken" in str(other.hear("/understudy/error"))
    assert desk.value("subject") == ""
    other.send(osc.port, "/understudy/reset")
    assert "ZeroDivisionError" in str(other.hear("/understudy/error"))
    settled(osc, other)


def test_bundles_count_in_their_order(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    inner = bundle(write_message("/understudy/figure/x", 0.25))
    other.send_bytes(osc.port, bundle(write_message("/understudy/figure/x", 1.0), inner))
    settled(osc, other)
    assert desk.value("figure.x") == 0.25


@pytest.mark.parametrize("from_now_s", [-3.0, 3600.0])
def test_a_bundle_of_the_past_or_of_a_wrong_clock_counts_at_once(
    osc: Osc, desk: Desk, other: OtherDesk, from_now_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    message = write_message("/understudy/figure/x", 0.5)
    other.send_bytes(osc.port, bundle(message, tag=time_tag(from_now_s)))
    settled(osc, other)
    assert desk.value("figure.x") == 0.5
    assert ("ahead of ours" in caplog.text) == (from_now_s > 0)


def test_a_bundle_waits_for_its_time(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    seen: list[object] = []
    desk.listen(lambda change: seen.append(change.values["figure.x"]))
    for value, later_s in ((0.75, 1.0), (0.5, 0.7)):  # the later one first
        message = write_message("/understudy/figure/x", value)
        other.send_bytes(osc.port, bundle(message, tag=time_tag(later_s)))
    settled(osc, other)
    until(lambda: len(seen) == 2)
    assert seen == [0.5, 0.75]


def test_only_so_many_wait_for_their_time(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    message = write_message("/understudy/figure/x", 1.0)
    for _ in range(6):
        other.send_bytes(osc.port, bundle(*[message] * 200, tag=time_tag(50)))
        settled(osc, other)
    assert osc.counts.refused == 200 and desk.value("figure.x") == 0.0


BROKEN = {
    "nothing": b"",
    "noise": bytes(range(256)),
    "no zero": b"/understudy/mirror",
    "no UTF-8": b"/understudy/\xff\xfe\0\0,i\0\0\0\0\0\1",
    "a type nobody knows": b"/understudy/mirror\0\0,zzz\0\0\0\0",
    "arguments missing": b"/understudy/mirror\0\0,i\0\0",
    "brackets open": b"/understudy/mirror\0\0,[[[\0\0\0\0",
    "too many arguments": b"/understudy/mirror\0\0," + b"T" * 400 + b"\0\0\0",
    "blob of a negative size": b"/understudy/mirror\0\0,b\0\0\xff\xff\xff\x00",
    "control characters": b"/\x1b[2J\0\0\0,\0\0\0",
    "bundle cut off": b"#bundle\0\0\0",
    "element of a negative size": NOW + struct.pack(">i", -4),
    "element that is too long": NOW + struct.pack(">i", 400) + b"/x\0\0",
    "element of no size": NOW + struct.pack(">i", 0),
    "too long": write_message("/understudy/mirror", "x" * LARGEST_BYTES),
    "a long text": write_message("/understudy/background", "x" * 600),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_packet_harms_nobody(
    osc: Osc, desk: Desk, other: OtherDesk, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = desk.values()
    other.send_bytes(osc.port, BROKEN[name])
    settled(osc, other)
    assert osc.counts.refused == 1 and desk.values() == before
    assert all(record.name.startswith("live.") for record in caplog.records)


def test_bundles_within_bundles_have_an_end(osc: Osc, desk: Desk, other: OtherDesk) -> None:
    nested = write_message("/understudy/figure/x", 0.5)
    for _ in range(300):
        nested = bundle(nested)
    many = bundle(*[write_message("/understudy/mirror", True)] * 300)
    for data in (nested, many):
        other.send_bytes(osc.port, data)
    settled(osc, other)
    assert osc.counts.refused == 2 and desk.value("figure.x") == 0.0


def test_a_flood_of_mistakes_is_said_a_few_times(
    osc: Osc, desk: Desk, other: OtherDesk, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(40):
        for _ in range(50):
            other.send(osc.port, f"/understudy/nothing/{number}")
        settled(osc, other)
    other.send(osc.port, "/understudy/figure/x", 0.5)
    settled(osc, other)
    assert osc.counts.refused == 2000 and desk.value("figure.x") == 0.5
    said = [one for one in caplog.messages if "no OSC address" in one]
    assert len(set(said)) == len(said) <= MOST, "each once"
    answers = sum(address == "/understudy/error" for address, _ in other.heard)
    assert answers < 200


def test_a_port_in_use_is_told_with_its_remedy(desk: Desk, osc: Osc) -> None:
    assert osc.port is not None
    with pytest.raises(SetupError, match=r"UDP port \d+ .* cannot be had .*give --osc another"):
        Osc(OscSettings(osc.port), desk)
    with pytest.raises(SetupError, match="no address of this machine"):
        Osc(OscSettings(0, "no.such.name.invalid"), desk)
    with pytest.raises(SetupError, match="has no address"):
        Osc(OscSettings(0, to=(OscTarget("no.such.name.invalid", 9),)), desk)


def test_it_ends_cleanly_and_frees_its_port(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    before = threading.active_count()
    osc = Osc(OscSettings(0, to=(OscTarget("127.0.0.1", 9),)), desk)
    osc.start()
    port = osc.port
    osc.close()
    osc.close()
    assert threading.active_count() == before
    again = Osc(OscSettings(port), desk)
    again.close()
    desk.set("mirror", True, by="console")
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


def test_without_a_target_nothing_is_told_and_ping_is_answered(
    desk: Desk, other: OtherDesk, caplog: pytest.LogCaptureFixture
) -> None:
    osc = Osc(OscSettings(0), desk)
    osc.start()
    try:
        other.send(osc.port, "/understudy/nothing")
        settled(osc, other)
        assert other.heard == [("/understudy/pong", [])]
        assert "password" not in caplog.text
    finally:
        osc.close()


def test_the_network_is_warned_of(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    osc = Osc(OscSettings(0, "0.0.0.0"), desk)
    osc.start()
    osc.close()
    assert "OSC knows no password" in caplog.text


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_osc_arguments(parser)

    def read(*words: str) -> OscSettings | None:
        return osc_settings(parser.parse_args(words))

    assert read() is None
    assert read("--osc", "9000") == OscSettings(9000, "127.0.0.1", ())
    targets = ("--osc-to", "192.168.1.20:9001", "--osc-to", "[::1]:7", "--osc-to", "[::1]:7")
    assert read(*targets) == OscSettings(
        None, "127.0.0.1", (OscTarget("192.168.1.20", 9001), OscTarget("::1", 7))
    )
    assert str(OscTarget("::1", 7)) == "[::1]:7"
    wrong = (
        ("--osc", "0"), ("--osc", "70000"), ("--osc-host", "0.0.0.0"), ("--osc-to", "tablet"),
        ("--osc-to", ":9000"), ("--osc-to", "tablet:0"), ("--osc-to", "tablet:99999999999"),
        ("--osc-to", "tablet:²"),
    )  # fmt: skip
    for words in wrong:
        with pytest.raises(SetupError):
            read(*words)
    assert OscSettings(9000, "0.0.0.0").open_to_others
    assert OscSettings(9000, "tablet.local").open_to_others
    assert not OscSettings(9000, "localhost").open_to_others
    assert not OscSettings(9000, "::1").open_to_others


def test_no_parameter_has_an_address_that_means_something_else() -> None:
    addresses = [one.address for one in Desk().parameters()]
    assert len(set(addresses)) == len(addresses)
    for word in ("ping", "pong", "sync", "error", "toggle", "choices"):
        assert not [one for one in addresses if one.endswith("/" + word)]


@pytest.mark.parametrize("given", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_no_action_is_given_a_number_that_is_none(desk: Desk, given: float) -> None:
    desk.on_do("person.follow", lambda x, y: None)
    with pytest.raises(DeskError, match="give a finite one"):
        desk.do("person.follow", 0.5, given, by="console")


def test_an_unknown_name_is_no_address(desk: Desk) -> None:
    with pytest.raises(DeskError):
        desk.set("understudy", 1, by="osc")
