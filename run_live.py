"""The show: a camera or a clip goes in, another person dances in the browser.

python run_live.py --demo                      the shipped clip and the shipped subject
python run_live.py --camera 0 --subject PATH   the stage
"""

from __future__ import annotations

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from live import consent
from live.body import BodyStats
from live.calibrate import calibrate, load_performer, save_performer
from live.engines.choose import open_engine
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Frame, Pose, Sighting
from live.generator import Generator
from live.latest import Latest
from live.live_calibration import LiveCalibration
from live.marks import Marks
from live.normalize import Normalizer
from live.notify import Notifier
from live.options import Options, parse
from live.picture import PictureMaker, neutral_label
from live.pose.base import PoseEstimator
from live.pose.blazepose import BlazePoseSettings
from live.pose.blazepose_open import open_blazepose
from live.pose.mediapipe_tasks import NOWHERE, MediaPipePose
from live.pose.openpose import OpenPosePose
from live.pose.watched import WatchedEstimator
from live.pose.weights import fetch_pose_weights
from live.report import table
from live.show import Publish, Show
from live.smooth import Smoother, SmoothSettings
from live.sources import BROWSER, Clip, Grabber, Source, open_source
from live.sources.file import read_through
from live.state import ShowState, StateKeeper, load_state
from live.stream.encoder import try_encoders
from live.stream.hub import Hub
from live.stream.outlets import Outlets
from live.stream.provenance_statement import statement_of
from live.subject import Subject, load_subject
from live.timing import Timing
from live.watchdog import Watchdog

log = logging.getLogger("understudy")

STATUS_EVERY_S = 10.0

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
        return run(parse(arguments))
    except UnderstudyError as error:
        print(f"understudy: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:  # before the show had begun
        return 0


def run(options: Options) -> int:
    """Build the stages, run them until the end, print the summary."""
    told = threading.Event()
    with ExitStack() as opened:
        timing, stream = Timing(), options.stream
        subject = load_subject(options.subject)
        consent.require(subject, options.i_have_consent, consent.at_terminal())
        marks, now = marks_of(options, subject), datetime.datetime.now(datetime.UTC)
        try_encoders(stream.encoder)
        hub = Hub(stream.encoder)
        opened.callback(hub.close)
        outlets = Outlets(stream, hub)
        opened.callback(outlets.close)
        inbox: Latest[Frame] | None = Latest() if options.source.where == BROWSER else None
        kept = ShowState() if options.state is None else load_state(options.state)
        stages = build(options, outlets.publish, timing, inbox, subject, marks, kept)
        show = stages.show
        opened.callback(show.close)
        keeper = None
        if options.state is not None:
            normalizer = stages.painter.normalizer
            keeper = StateKeeper(options.state, lambda: ShowState(normalizer.performer))
            opened.callback(keeper.close)
        outlets.start(show, inbox, statement_of(subject, now), marks.says())
        opened.enter_context(_stopping_on_signals(told.set))
        gc.collect()
        gc.freeze()  # what is there stays; a look through it all stops every thread for 20-70 ms
        show.start()
        if keeper is not None:
            keeper.start()
        watchdog = Watchdog(Notifier.from_environment(), show.stale_s, lambda: _in_short(show))
        opened.callback(watchdog.close)
        watchdog.start()
        print(f"\n  {stages.about}\n{outlets.says()}  Ctrl-C ends the show.\n", flush=True)
        if options.open_page and _has_display():
            _open_page(outlets.url)
        _watch(show, told, options.seconds)
        watchdog.close()
        show.close()
    print(table(show.summary()), flush=True)
    if show.error is not None:  # not 2: what was asked for can work, so it may be started again
        print(f"understudy: {_in_words(show.error)}", file=sys.stderr)
        return EXIT_BROKE_OFF
    if keeper is not None:
        keeper.forget()
    return 0


@dataclass(frozen=True, slots=True)
class Stages:
    """What `build` has put together."""

    show: Show
    painter: PictureMaker
    about: str  # one line


def build(
    options: Options,
    publish: Publish,
    timing: Timing,
    inbox: Latest[Frame] | None = None,
    subject: Subject | None = None,
    marks: Marks | None = None,
    kept: ShowState | None = None,
) -> Stages:
    """The show. What was opened is closed again if a later part fails.

    `inbox` is where a phone's pictures arrive. Without `subject` and `marks` they are made. `kept`
    is what a show that was killed had known.
    """
    subject = subject or load_subject(options.subject)
    with ExitStack() as opened:
        source = open_source(options.source, inbox=inbox)
        opened.callback(source.close)
        # Built in a thread of its own, beside the painter: a second less until the first picture.
        estimator = WatchedEstimator(partial(build_estimator, options, source))
        opened.callback(estimator.close)
        painter = build_painter(options, subject, timing, marks or marks_of(options, subject))
        if kept is not None and kept.performer is not None:
            painter.normalizer.use(kept.performer)
        estimator.await_first()
        watch = None
        if options.calibrate_s:
            watch = LiveCalibration(options.calibrate_s, painter.normalizer, options.performer)
        frames: Latest[Frame] = Latest()
        grabber = Grabber(source, frames)
        show = Show(grabber, frames, estimator, painter, publish, timing, watch)
        opened.pop_all()
    about = f"{source.name} -> {subject.manifest.name} ({consent.says(subject)})"
    return Stages(show, painter, about)


def marks_of(options: Options, subject: Subject) -> Marks:
    """What every picture bears that leaves the machine; what is switched off is said."""
    for said in options.marks.warnings():
        log.warning("%s", said)
    today = datetime.datetime.now(datetime.UTC).date()
    return Marks(options.marks, subject.sha256, subject.manifest.stage_size, today)


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
    options: Options, subject: Subject, timing: Timing, marks: Marks | None = None
) -> PictureMaker:
    """The picture stage, warmed up so that the first real frame is as fast as the rest."""
    what, label = f"generator of {subject.origin}", neutral_label(subject)
    chosen = open_engine(
        subject.generator,
        what,
        options.engine,
        options.threads,
        {"label": label.image[None]},
        small=subject.small,
    )
    log.info("%s", chosen.why)
    generator = Generator(subject, chosen.engine)

    performer = performer_of(options)  # once: it may read a whole clip

    def painter() -> PictureMaker:
        normalizer = Normalizer(
            subject.manifest.body,
            subject.manifest.stage_size,
            performer=performer,
            mirror=options.mirror,
        )
        smoother = Smoother(SmoothSettings(lead_s=options.lead_s))
        return PictureMaker(subject, generator, normalizer, smoother, timing, marks=marks)

    rehearse(painter(), subject)
    generator.reset()
    timing.reset()
    return painter()


def rehearse(painter: PictureMaker, subject: Subject) -> None:
    """Two pictures nobody sees: Numba compiles here, once per machine."""
    book = subject.codebook
    size = subject.manifest.stage_size
    for number in range(2):
        pose = Pose(book.neutral_points, book.neutral_scores, number / 30, size)
        painter.make(Sighting(pose, number / 30, number), number / 30)


def performer_of(options: Options) -> BodyStats | None:
    """The performer's measures: from a calibration clip, from the saved file, or not yet known."""
    if options.calibrate_clip is not None:
        stats = measure_clip(options.calibrate_clip, options)
        if options.performer is not None:
            save_performer(stats, options.performer)
        return stats
    if options.performer is None:
        return None
    if options.calibrate_s and not os.path.exists(options.performer):  # it is yet to be written
        return None
    return load_performer(options.performer)


def measure_clip(clip: Path, options: Options) -> BodyStats:
    """The measures of the person in `clip`, read once from end to end, as fast as it goes."""
    log.info("measuring the performer in %s", clip)
    settings = BlazePoseSettings(search_every_s=0.0)  # not live: look at every frame
    estimator = open_blazepose(fetch_pose_weights(options.weights), settings)
    try:
        return calibrate(estimator.estimate(frame) for frame in read_through(clip))
    finally:
        estimator.close()


def _in_short(show: Show) -> str:
    return f"{show.fps():.0f} pictures a second, {show.delay_ms().p50:.0f} ms to encoded"


def _watch(show: Show, told: threading.Event, seconds: float) -> None:
    """Until the show ends, somebody ends it, or its time is over; says how it goes meanwhile."""
    clock = time.monotonic
    began_s = said_s = clock()
    while not told.wait(0.2) and not show.wait(0):
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

    mediapipe computes in threads that Python waits for at its end, for ever if need be.
    """
    here = threading.main_thread()
    hung = [one.name for one in threading.enumerate() if one is not here and not one.daemon]
    if not hung:
        sys.exit(code)
    log.warning("ending without %s, which still computes", ", ".join(hung))
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
