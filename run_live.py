"""The show: a camera or a clip goes in, another person dances in the browser.

python run_live.py --demo                      the shipped clip and the shipped subject
python run_live.py --camera 0 --subject PATH   the stage
"""

from __future__ import annotations

import argparse
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
from pathlib import Path
from types import FrameType
from typing import NoReturn

from live.body import BodyStats
from live.calibrate import calibrate, load_performer, save_performer
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Frame, Pose, Sighting
from live.generator import Generator
from live.latest import Latest
from live.live_calibration import LiveCalibration
from live.normalize import Normalizer
from live.picture import PictureMaker
from live.pose.base import PoseEstimator
from live.pose.mediapipe_tasks import NOWHERE, MediaPipePose, MediaPipeSettings
from live.pose.openpose import OpenPosePose
from live.pose.weights import fetch_pose_weights
from live.report import table
from live.show import Show
from live.smooth import Smoother, SmoothSettings
from live.sources import (
    Clip,
    Grabber,
    Source,
    SourceSettings,
    add_source_arguments,
    open_source,
    source_settings,
)
from live.sources.file import read_through
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.subject import Subject, load_subject
from live.timing import Timing

log = logging.getLogger("understudy")

DEMO = Path(__file__).resolve().parent / "live" / "assets" / "demo"
STATUS_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the person at the desk asked for."""

    source: SourceSettings
    subject: Path
    pose: str = "mediapipe"  # or "openpose"
    pose_json: Path | None = None  # OpenPose's folder
    weights: Path | None = None  # folder of pose weights given by hand
    calibrate_s: float = 0.0  # seconds of the show's beginning to calibrate on
    calibrate_clip: Path | None = None  # a clip to calibrate on, before the show
    performer: Path | None = None  # where the performer's measures are kept
    mirror: bool = False
    lead_s: float = 0.0  # predict so far ahead, seconds
    threads: int = 1  # of the generator's engine
    server: ServerSettings = ServerSettings()
    open_page: bool = False
    seconds: float = 0.0  # end after so long; 0 = when told to
    warm_up: bool = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the show; 0 when it ended by itself or was told to, 2 when it could not go on."""
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
        timing = Timing()
        hub = Hub()
        opened.callback(hub.close)
        show, about = build(options, hub, timing)
        opened.callback(show.close)
        server = ShowServer(options.server, hub, lambda: status(show))
        server.start()
        opened.callback(server.close)
        opened.enter_context(_stopping_on_signals(told.set))
        show.start()
        print(f"\n  {about}\n  Open {server.url} in a browser. Ctrl-C ends the show.\n", flush=True)
        if options.open_page and _has_display():
            _open_page(server.url)
        _watch(show, told, options.seconds)
        show.close()
    print(table(show.summary()), flush=True)
    if show.error is not None:
        raise _in_words(show.error)
    return 0


def build(options: Options, hub: Hub, timing: Timing) -> tuple[Show, str]:
    """The show and one line about it. What was opened is closed again if a later part fails."""
    subject = load_subject(options.subject)
    painter = build_painter(options, subject, timing)
    with ExitStack() as opened:
        source = open_source(options.source)
        opened.callback(source.close)
        estimator = build_estimator(options, source)
        opened.callback(estimator.close)
        watch = None
        if options.calibrate_s:
            watch = LiveCalibration(options.calibrate_s, painter.normalizer, options.performer)
        frames: Latest[Frame] = Latest()
        grabber = Grabber(source, frames)
        show = Show(grabber, frames, estimator, painter, hub, timing, watch)
        opened.pop_all()
    about = f"{source.name} -> {subject.manifest.name}"
    return show, about


def build_estimator(options: Options, source: Source) -> PoseEstimator:
    """The pose backend that was asked for."""
    if options.pose == "mediapipe":
        return MediaPipePose(fetch_pose_weights(options.weights))
    if options.pose_json is None:
        raise SetupError("--pose openpose needs --pose-json FOLDER, which OpenPose wrote")
    if not isinstance(source, Clip):
        raise SetupError("--pose openpose needs --source CLIP, the one that OpenPose read")
    return OpenPosePose(options.pose_json, source.clip_index)


def build_painter(options: Options, subject: Subject, timing: Timing) -> PictureMaker:
    """The picture stage, warmed up so that the first real frame is as fast as the rest."""
    engine = OnnxRuntimeEngine(subject.generator, f"generator of {subject.origin}", options.threads)
    generator = Generator(subject, engine)

    def painter() -> PictureMaker:
        normalizer = Normalizer(
            subject.manifest.body,
            generator.size,
            performer=performer_of(options),
            mirror=options.mirror,
        )
        smoother = Smoother(SmoothSettings(lead_s=options.lead_s))
        return PictureMaker(subject, generator, normalizer, smoother, timing)

    if options.warm_up:
        rehearse(painter(), subject)
        generator.reset()
        timing.reset()
    return painter()


def rehearse(painter: PictureMaker, subject: Subject) -> None:
    """Two pictures nobody sees: Numba compiles here, once per machine."""
    book = subject.codebook
    height, width = subject.manifest.generator_size
    for number in range(2):
        pose = Pose(book.neutral_points, book.neutral_scores, number / 30, (height, width))
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
    settings = MediaPipeSettings(search_every_s=0.0)  # not live: look at every frame
    estimator = MediaPipePose(fetch_pose_weights(options.weights), settings)
    try:
        return calibrate(estimator.estimate(frame) for frame in read_through(clip))
    finally:
        estimator.close()


def status(show: Show) -> dict[str, object]:
    """What the page shows on a key press."""
    return {"fps": round(show.fps(), 1), "delay_ms": {"p50": round(show.delay_ms().p50, 1)}}


def parse(arguments: Sequence[str] | None) -> Options:
    """The command line. Raises SetupError for values that cannot work."""
    parser = argparse.ArgumentParser(
        prog="run_live.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--demo", action="store_true", help="the shipped clip and subject")
    add_source_arguments(parser)
    parser.add_argument("--subject", type=Path, metavar="PATH", help="a bundle: folder or .zip")
    _add_pose_arguments(parser)
    _add_server_arguments(parser)
    parser.add_argument("--seconds", type=float, default=0.0, help="end after so many seconds")
    return _options(parser.parse_args(arguments))


def _add_pose_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pose")
    group.add_argument("--pose", choices=("mediapipe", "openpose"), default="mediapipe")
    group.add_argument("--pose-json", type=Path, metavar="FOLDER", help="what OpenPose wrote")
    group.add_argument("--weights", type=Path, metavar="FOLDER", help="pose weights given by hand")
    group.add_argument(
        "--calibrate",
        metavar="SECONDS_OR_CLIP",
        help="measure the performer: in the show's first seconds, walking to and from the camera,\n"
        "or in a clip of that",
    )
    group.add_argument(
        "--performer", type=Path, metavar="FILE", help="where the measures are kept (JSON)"
    )
    group.add_argument("--mirror", action="store_true", help="move as in a mirror")
    group.add_argument(
        "--lead-ms", type=float, default=0.0, help="predict so far ahead (default 0)"
    )
    group.add_argument("--threads", type=int, default=1, help="of the generator (default 1)")


def _add_server_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server")
    group.add_argument("--host", default="127.0.0.1", help="0.0.0.0 serves the whole network")
    group.add_argument("--port", type=int, default=8080)
    group.add_argument("--no-open", action="store_true", help="do not open the page in the demo")


def _options(found: argparse.Namespace) -> Options:
    _check_range("--seconds", found.seconds, 0, 1e6)
    _check_range("--threads", found.threads, 1, 64)
    _check_range("--lead-ms", found.lead_ms, 0, 1000)
    calibrate_s, calibrate_clip = _calibration(found.calibrate)
    source = source_settings(found)
    performer = found.performer
    if source is None:
        if not found.demo:
            raise SetupError("name a source: --camera 0, --source CLIP, or --demo to see it dance")
        source = SourceSettings(str(DEMO / "performer.mp4"))
        # The demo's own performer was measured when the clip was made.
        performer = performer or (None if found.calibrate else DEMO / "performer.json")
    return Options(
        source=source,
        subject=found.subject or DEMO / "subject",
        pose=found.pose,
        pose_json=found.pose_json,
        weights=found.weights,
        calibrate_s=calibrate_s,
        calibrate_clip=calibrate_clip,
        performer=performer,
        mirror=found.mirror,
        lead_s=found.lead_ms / 1e3,
        threads=found.threads,
        server=ServerSettings(found.host, found.port),
        open_page=found.demo and not found.no_open,
        seconds=found.seconds,
    )


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SetupError(f"{name} is {value}; give {low:g} to {high:g}")


def _calibration(given: str | None) -> tuple[float, Path | None]:
    """Seconds of the show, or a clip."""
    if given is None:
        return 0.0, None
    try:
        seconds = float(given)
    except ValueError:
        return 0.0, Path(given)
    if not 1 <= seconds <= 600:
        raise SetupError(f"--calibrate {given}: give 1 to 600 seconds (8 is good), or a clip")
    return seconds, None


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
