"""The show: a camera or a clip goes in, another person dances in the browser.

python run_live.py --demo                      the shipped clip and the shipped subject
python run_live.py --camera 0 --subject PATH   the stage
"""

from __future__ import annotations

if __name__ == "__main__":  # what is imported below may be missing: then a sentence, and no trace
    from live.launch import require_packages

    require_packages()

import datetime
import gc
import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import NoReturn

from live import consent
from live.backdrops import Backdrops
from live.body import BodyStats
from live.cast import Cast
from live.cast_list import known
from live.character_open import CharacterSettings, open_character
from live.desk import bind_performer, bind_picture
from live.desk.booth import Booth, Played
from live.desk.desk import Desk
from live.desk.look_of import DeskLook
from live.desk.parameters import Value
from live.desk.state_of import keep_in_step, restore, state_of
from live.doctor.answer import answer
from live.doctor.asked import Inquiry
from live.doctor.check import Plan
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Frame
from live.latest import Latest
from live.live_calibration import LiveCalibration
from live.look import LookAt, untouched
from live.notify import Notifier
from live.options import DEMO, DEMO_PERFORMER, Options, parse
from live.performer import performer_of
from live.picture import PictureMaker
from live.pose.base import PoseEstimator
from live.pose.blazepose_open import open_blazepose
from live.pose.mediapipe_tasks import NOWHERE, MediaPipePose
from live.pose.openpose import OpenPosePose
from live.pose.watched import WatchedEstimator
from live.pose.weights import fetch_pose_weights
from live.report import table
from live.show import Publish, Show
from live.sources import BROWSER, Clip, Grabber, Source, open_source
from live.state import ShowState, StateKeeper, load_state
from live.stream.encoder import try_encoders
from live.stream.hub import Hub
from live.stream.outlets import Outlets
from live.stream.provenance_statement import Statement, statement_of
from live.subject import Subject, load_subject
from live.timing import Timing
from live.watchdog import Watchdog

log = logging.getLogger("understudy")

STATUS_EVERY_S = 10.0

RESTORE_S = 10.0
"""Seconds that a show which begins again waits for the subject that it had."""

EXIT_BROKE_OFF = 1
"""The show ran and could not go on. Whoever supervises it starts it again."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the show; 0 when it ended by itself or was told to, 1 when it broke off, 2 when it
    cannot be as it was asked for."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a path or name that the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(message)s")
    for chatty in ("aioice", "aiortc", "libav"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        options = parse(arguments)
        return run(options) if options.inquiry is None else ask(options, options.inquiry)
    except UnderstudyError as error:
        print(f"understudy: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:  # before the show had begun
        return 0


def ask(options: Options, inquiry: Inquiry) -> int:
    """Answer a question instead of running the show; 2 where the doctor finds something wrong."""
    return answer(inquiry, Plan(options, build_estimator, inquiry.source_named))


def run(options: Options) -> int:
    """Build the stages, run them until the end, print the summary."""
    told = threading.Event()
    with ExitStack() as opened:
        timing, stream = Timing(), options.stream
        subject = load_subject(options.subject)
        consent.require(subject, options.i_have_consent, consent.at_terminal())
        for said in options.marks.warnings():
            log.warning("%s", said)
        try_encoders(stream.encoder)
        hub = Hub(stream.encoder)
        opened.callback(hub.close)
        outlets = Outlets(stream, hub)
        opened.callback(outlets.close)
        inbox: Latest[Frame] | None = Latest() if options.source.where == BROWSER else None
        kept = ShowState() if options.state is None else load_state(options.state)
        stages = build(options, outlets.publish, timing, inbox, subject, kept)
        show = stages.show
        opened.callback(show.close)
        opened.callback(stages.cast.close)
        booth = Booth(options.desk, stages.desk, secrets_of(options))
        opened.callback(booth.close)
        open_doors(options, stages, booth, outlets, hub, timing, inbox)
        keeper = keep_state(options, stages, booth, kept)
        if keeper is not None:
            opened.callback(keeper.close)
        opened.enter_context(_stopping_on_signals(told.set))
        gc.collect()
        gc.freeze()  # what is there stays; a look through it all stops every thread for 20-70 ms
        show.start()
        if keeper is not None:
            keeper.start()
        booth.start()
        watchdog = Watchdog(Notifier.from_environment(), show.stale_s, lambda: _in_short(show))
        opened.callback(watchdog.close)
        watchdog.start()
        print(f"\n  {stages.about}\n{outlets.says()}  Ctrl-C ends the show.\n", flush=True)
        if options.open_page and _has_display():
            _open_page(outlets.url)
        _watch(stages, told, options.seconds)
        watchdog.close()
        show.close()
    print(table(show.summary()), flush=True)
    if show.error is not None:  # not 2: what was asked for can work, so it may be started again
        print(f"understudy: {_in_words(show.error)}", file=sys.stderr)
        return EXIT_BROKE_OFF
    if keeper is not None:
        keeper.forget()
    return 0


def open_doors(
    options: Options,
    stages: Stages,
    booth: Booth,
    outlets: Outlets,
    hub: Hub,
    timing: Timing,
    inbox: Latest[Frame] | None,
) -> None:
    """Let the audience in, and the operator. Raises UnderstudyError."""
    show, painter, cast, stream = stages.show, stages.painter, stages.cast, options.stream
    recordings = stream.recorder.path.parent if stream.recorder else stream.takes.folder
    console = booth.console(
        Played(
            show, hub, timing, painter, cast, outlets.watched, options.marks.off(), recordings,
            outlets.links,
        )
    )  # fmt: skip

    def statement(subject: Subject) -> Statement:
        return statement_of(subject, datetime.datetime.now(datetime.UTC))

    def marks() -> Mapping[str, object]:
        marks = painter.character.marks
        return {} if marks is None else marks.says()

    outlets.prepare(stages.desk, statement(painter.character.subject))
    cast.on_coming = lambda coming: outlets.takes.shows(statement(coming))
    outlets.start(show, inbox, marks, [console])


def keep_state(
    options: Options, stages: Stages, booth: Booth, kept: ShowState
) -> StateKeeper | None:
    """Set again what a show that was killed had set, and keep it from now on."""
    desk, painter, cast = stages.desk, stages.painter, stages.cast
    usual, cast.fade_s = cast.fade_s, lambda: 0.0  # the show has not begun: nobody sees a swap
    restore(kept, desk, booth.stack)
    cast.wait(RESTORE_S)
    cast.fade_s = usual
    if options.state is None:
        return None
    keeper = StateKeeper(options.state, lambda: state_of(desk, booth.stack, painter.performer))
    keep_in_step(desk, keeper)
    return keeper


def secrets_of(options: Options) -> list[str]:
    """What no log may show."""
    access = options.stream.server.access
    if access is None:
        return []
    return [access.tokens.viewer, access.tokens.camera, access.tokens.operator]


@dataclass(frozen=True, slots=True)
class Stages:
    """What `build` has put together."""

    show: Show
    painter: PictureMaker
    desk: Desk
    cast: Cast
    readings: Callable[[], dict[str, Value]]  # of the picture stage, for the desk
    about: str  # one line


def build(
    options: Options,
    publish: Publish,
    timing: Timing,
    inbox: Latest[Frame] | None = None,
    subject: Subject | None = None,
    kept: ShowState | None = None,
) -> Stages:
    """The show and its desk. What was opened is closed again if a later part fails.

    `inbox` is where a phone's pictures arrive. Without `subject` it is loaded. `kept` is what a
    show that was killed had known.
    """
    subject = subject or load_subject(options.subject)
    desk, backdrops = Desk(options.first()), Backdrops(options.backdrops)
    with ExitStack() as opened:
        source = open_source(options.source, inbox=inbox)
        opened.callback(source.close)
        performer = performer_of(options)
        # Built in a thread of its own, beside the painter: a second less until the first picture.
        estimator = WatchedEstimator(partial(build_estimator, options, source))
        opened.callback(estimator.close)
        painter = build_painter(options, subject, timing, DeskLook(desk), backdrops, performer)
        if kept is not None and kept.performer is not None:
            painter.use(kept.performer)
        estimator.await_first()
        watch = None
        if options.calibrate_s:
            watch = LiveCalibration(options.calibrate_s, painter, options.performer)
        frames: Latest[Frame] = Latest()
        grabber = Grabber(source, frames)
        show = Show(grabber, frames, estimator, painter, publish, timing, watch)
        opened.pop_all()
    cast = build_cast(options, subject, painter)
    readings = bind_picture.bind(desk, painter, cast, backdrops)
    # The demo's own measures are shipped: nobody writes into them.
    kept_in = None if options.performer == DEMO_PERFORMER else options.performer
    bind_performer.bind(desk, show, lambda: painter, kept_in)
    about = f"{source.name} -> {subject.manifest.name} ({consent.says(subject)})"
    return Stages(show, painter, desk, cast, readings, about)


def build_cast(options: Options, subject: Subject, painter: PictureMaker) -> Cast:
    """Who can be shown: the subject that begins, the demo's, and those of --subjects."""
    names = known(options.subjects, [subject.origin, DEMO / "subject"])
    running = next(iter(names), subject.manifest.name)  # the first is the one that begins
    return Cast(names, running, painter, character_settings(options))


def build_estimator(options: Options, source: Source) -> PoseEstimator:
    """The pose backend that was asked for."""
    if options.pose == "blazepose":
        return open_blazepose(fetch_pose_weights(options.weights), engine=options.pose_engine)
    if options.pose == "mediapipe":
        return MediaPipePose(fetch_pose_weights(options.weights))
    if options.pose_json is None:
        raise SetupError("--pose openpose needs --pose-json FOLDER, which OpenPose wrote")
    if not isinstance(source, Clip):
        raise SetupError("--pose openpose needs --source CLIP, the one that OpenPose read")
    return OpenPosePose(options.pose_json, source.clip_index)


def build_painter(
    options: Options,
    subject: Subject,
    timing: Timing,
    look: LookAt = untouched,
    backdrops: Backdrops | None = None,
    performer: BodyStats | None = None,
) -> PictureMaker:
    """The picture stage, warmed up so that the first real frame is as fast as the rest.

    performer: as `performer_of` gives it; None measures whoever comes.
    """
    character = open_character(subject, character_settings(options), performer)
    return PictureMaker(character, timing, look=look, backdrops=backdrops)


def character_settings(options: Options) -> CharacterSettings:
    """What every subject of this show is opened with."""
    return CharacterSettings(options.engine, options.threads, options.marks)


def _in_short(show: Show) -> str:
    return f"{show.fps():.0f} pictures a second, {show.delay_ms().p50:.0f} ms to encoded"


def _watch(stages: Stages, told: threading.Event, seconds: float) -> None:
    """Until the show ends, somebody ends it, or its time is over; says how it goes meanwhile."""
    show, clock = stages.show, time.monotonic
    began_s = said_s = clock()
    while not told.wait(0.2) and not show.wait(0):
        stages.desk.report(stages.readings())
        now_s = clock()
        if seconds and now_s - began_s >= seconds:
            return
        if now_s - said_s >= STATUS_EVERY_S:
            said_s = now_s
            summary = show.summary()
            delay = summary.grab_to_encoded_ms
            log.info(
                "%.1f fps, %.0f ms from camera to encoded (p95 %.0f)",
                show.fps(), delay.p50, delay.p95,
            )  # fmt: skip


@contextmanager
def _stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and a polite kill end the show; a second one ends the process at once."""

    def heed(number: int, frame: FrameType | None) -> None:
        stop()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, heed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _open_page(url: str) -> None:
    """Show `url` in a browser, which must not inherit the proxy that silences mediapipe."""
    clean = {name: value for name, value in os.environ.items() if value != NOWHERE}
    subprocess.Popen([sys.executable, "-m", "webbrowser", url], env=clean)


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _in_words(error: BaseException) -> UnderstudyError:
    if isinstance(error, UnderstudyError):
        return error
    return UnderstudyError(
        f"the show stopped on {type(error).__name__}: {error}; see the log above"
    )


def leave(code: int) -> NoReturn:
    """End the process with `code`, also where a native call hangs.

    mediapipe computes in threads that Python waits for at its end, for ever if need be. A daemon it
    does not wait for: one that is in C++ then would end the process by std::terminate.
    """
    others = [one for one in threading.enumerate() if one is not threading.main_thread()]
    if not others:
        sys.exit(code)
    if hung := [one.name for one in others if not one.daemon]:
        log.warning("ending without %s, which still computes", ", ".join(hung))
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
