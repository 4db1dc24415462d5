"""What the person at the desk may ask for: the command line of `run_live.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from live.arguments import ShowParser
from live.backdrops import add_backdrop_arguments, backdrops_folder
from live.cast_list import add_cast_arguments, subjects_folder
from live.consent import add_consent_arguments
from live.desk.desk_options import DeskOptions, add_desk_arguments, desk_options
from live.desk.parameters import Value
from live.doctor.asked import Inquiry, add_doctor_arguments, inquiry_of
from live.engines.choose import ENGINES
from live.errors import SetupError
from live.mark_settings import MarkSettings, add_mark_arguments, mark_settings
from live.sources import SourceSettings, add_source_arguments, source_settings
from live.state import StateSettings, add_state_arguments, state_settings
from live.stream.stream_options import StreamOptions, add_stream_arguments, stream_options

POSES = ("blazepose", "mediapipe", "openpose")
DEMO = Path(__file__).resolve().parent / "assets" / "demo"
DEMO_PERFORMER = DEMO / "performer.json"
ABOUT = """\
The show: a camera or a clip goes in, another person dances in the browser.

python run_live.py --demo                      the shipped clip and the shipped subject
python run_live.py --camera 0 --subject PATH   the stage
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person at the desk asked for."""

    source: SourceSettings
    subject: Path
    i_have_consent: str | None = None  # "NAME, DATE, STATEMENT", for a bundle without a record
    pose: str = "blazepose"  # one of POSES
    pose_json: Path | None = None  # OpenPose's folder
    weights: Path | None = None  # folder of pose weights given by hand
    calibrate_s: float = 0.0  # seconds of the show's beginning to calibrate on
    calibrate_clip: Path | None = None  # a clip to calibrate on, before the show
    performer: Path | None = None  # where the performer's measures are kept
    mirror: bool = False
    lead_s: float = 0.0  # predict so far ahead, seconds
    engine: str = "auto"  # of the generator; one of live.engines.choose.ENGINES
    threads: int = 1  # of the generator on the CPU
    pose_engine: str = "cpu"  # of BlazePose; one of live.engines.choose.ENGINES
    marks: MarkSettings = field(default_factory=MarkSettings)
    stream: StreamOptions = field(default_factory=StreamOptions)
    desk: DeskOptions = field(default_factory=DeskOptions)
    inquiry: Inquiry | None = None  # a question to answer, instead of the show
    open_page: bool = False
    seconds: float = 0.0  # end after so long; 0 = when told to
    state: StateSettings | None = None  # where a restart finds what the show knew; None: nowhere
    subjects: Path | None = None  # a folder of bundles that the operator can change to
    backdrops: Path | None = None  # a folder of pictures to put behind the figure

    def first(self) -> dict[str, Value]:
        """What the desk has set from the beginning, where it is not the table's default."""
        return {"mirror": self.mirror, "lead": self.lead_s * 1e3}


def parse(arguments: Sequence[str] | None) -> Options:
    """The command line. Raises SetupError for values that cannot work."""
    parser = ShowParser(
        prog="run_live.py", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--demo", action="store_true", help="the shipped clip and subject")
    add_source_arguments(parser)
    parser.add_argument("--subject", type=Path, metavar="PATH", help="a bundle: folder or .zip")
    add_cast_arguments(parser)
    add_consent_arguments(parser)
    add_backdrop_arguments(parser)
    _add_pose_arguments(parser)
    add_mark_arguments(parser.add_argument_group("marks: pictures say that they are generated"))
    add_stream_arguments(parser)
    add_desk_arguments(parser)
    parser.add_argument("--no-open", action="store_true", help="do not open the page in the demo")
    add_state_arguments(parser)
    add_doctor_arguments(parser)
    parser.add_argument("--seconds", type=float, default=0.0, help="end after so many seconds")
    return _options(parser.parse_args(arguments))


def _add_pose_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pose")
    group.add_argument("--pose", choices=POSES, default=POSES[0])
    group.add_argument("--pose-json", type=Path, metavar="FOLDER", help="what OpenPose wrote")
    group.add_argument("--weights", type=Path, metavar="FOLDER", help="pose weights given by hand")
    group.add_argument(
        "--calibrate",
        metavar="SECONDS_OR_CLIP",
        help="measure the performer: in the show's first seconds, walking to and from the camera, "
        "or in a clip of that",
    )
    group.add_argument(
        "--performer", type=Path, metavar="FILE", help="where the measures are kept (JSON)"
    )
    group.add_argument("--mirror", action="store_true", help="move as in a mirror")
    group.add_argument(
        "--lead-ms", type=float, default=0.0, help="predict so far ahead (default 0)"
    )
    group.add_argument(
        "--engine", choices=ENGINES, default="auto", help="what runs the generator (default auto)"
    )
    group.add_argument(
        "--pose-engine",
        choices=ENGINES,
        default="cpu",
        help="what runs BlazePose (default %(default)s; auto takes a GPU where it is faster)",
    )
    group.add_argument(
        "--threads", type=int, default=1, help="of the generator on the CPU (default 1)"
    )


def _options(found: argparse.Namespace) -> Options:
    _check_range("--seconds", found.seconds, 0, 1e6)
    _check_range("--threads", found.threads, 1, 64)
    _check_range("--lead-ms", found.lead_ms, 0, 300)
    if found.pose_engine != "cpu" and found.pose != "blazepose":
        raise SetupError("--pose-engine goes with --pose blazepose")
    calibrate_s, calibrate_clip = _calibration(found.calibrate)
    source, inquiry = source_settings(found), inquiry_of(found)
    performer = found.performer
    if source is None:
        if not found.demo and inquiry is None:
            raise SetupError("name a source: --camera 0, --source CLIP, or --demo to see it dance")
        source = SourceSettings(str(DEMO / "performer.mp4"))
        # The demo's own performer was measured when the clip was made.
        performer = performer or (None if found.calibrate else DEMO_PERFORMER)
    return Options(
        source=source,
        subject=found.subject or DEMO / "subject",
        i_have_consent=found.i_have_consent,
        pose=found.pose,
        pose_json=found.pose_json,
        weights=found.weights,
        calibrate_s=calibrate_s,
        calibrate_clip=calibrate_clip,
        performer=performer,
        mirror=found.mirror,
        lead_s=found.lead_ms / 1e3,
        engine=found.engine,
        threads=found.threads,
        pose_engine=found.pose_engine,
        marks=mark_settings(found),
        stream=stream_options(found),
        desk=desk_options(found),
        inquiry=inquiry,
        open_page=found.demo and not found.no_open,
        seconds=found.seconds,
        state=state_settings(found, f"{source.where} {found.subject}"),
        subjects=subjects_folder(found),
        backdrops=backdrops_folder(found),
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
