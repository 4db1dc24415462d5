"""BlazePose's networks, TFLite -> ONNX files, for those who want them as files.

    python -m export.pose_to_onnx OUT [--weights FOLDER] [--landmarks FILE ...] [--keep NAME ...]

The show needs none of this: it converts what the weights store holds when it starts. Here the same
bytes are checked by onnx, with shape inference, and written: one file for the detector, one for the
landmark network. Another landmark network (lite, heavy) is taken from FILE. `--keep` leaves out the
outputs that it does not name, and all that only they need.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.onnx_files import checked, loaded, macs_of
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError, WeightsError
from live.pose.blazepose_nets import LANDMARK_OUTPUTS, net_to_onnx
from live.pose.onnx_writer import OPSET
from live.pose.weights import fetch_pose_weights
from training.disk import write_whole


@dataclass(frozen=True, slots=True)
class PoseExportOptions:
    """What the command line may set."""

    out: Path  # a folder
    weights: Path | None = None  # where the two .tflite files or the wheel are; else the store
    landmarks: tuple[Path, ...] = ()  # landmark networks in place of the store's
    keep: tuple[str, ...] = LANDMARK_OUTPUTS  # of the landmark networks' outputs

    def __post_init__(self) -> None:
        if unknown := set(self.keep) - set(LANDMARK_OUTPUTS):
            raise SetupError(
                f"--keep {', '.join(sorted(unknown))}: known are {', '.join(LANDMARK_OUTPUTS)}"
            )
        if not self.keep:
            raise SetupError(f"--keep names nothing; known are {', '.join(LANDMARK_OUTPUTS)}")


@dataclass(frozen=True, slots=True)
class Written:
    """One file that was written."""

    path: Path
    size: int  # bytes
    nodes: int
    macs: int  # multiply-accumulates of one run
    outputs: dict[str, tuple[int, ...]]  # name -> shape


def export(options: PoseExportOptions) -> list[Written]:
    """Convert, check and write; raises WeightsError and SetupError."""
    store = fetch_pose_weights(options.weights)
    landmarks = options.landmarks or (store.landmarks,)
    names = [path.stem for path in (store.detector, *landmarks)]
    if len(set(names)) < len(names):
        raise SetupError(f"one name twice ({', '.join(names)}): rename a file of --landmarks")
    # All before the first is written: a folder holds every net that was asked for, or no new one.
    models = [net_to_onnx(store.detector)]
    models += [net_to_onnx(path, options.keep) for path in landmarks]
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        return [
            _write(options.out / f"{name}.onnx", model)
            for name, model in zip(names, models, strict=True)
        ]
    except OSError as error:
        raise SetupError(
            f"{options.out} cannot be written ({error.strerror}); name another folder"
        ) from error


def _write(path: Path, model: bytes) -> Written:
    proto = loaded(model, path.name)
    try:
        checked(proto)
    except Exception as error:  # onnx.checker's class, which is outside of onnx's typed part
        raise WeightsError(f"{path.name} is not sound ONNX: {error}") from error
    write_whole(path, model)
    outputs = {
        value.name: tuple(side.dim_value for side in value.type.tensor_type.shape.dim)
        for value in proto.graph.output
    }
    return Written(path, len(model), len(proto.graph.node), macs_of(model), outputs)


def parse(arguments: Sequence[str] | None = None) -> PoseExportOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m export.pose_to_onnx", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the .onnx files")
    parser.add_argument("--weights", type=Path, help="folder with the .tflite files or the wheel")
    parser.add_argument("--landmarks", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--keep", nargs="+", default=LANDMARK_OUTPUTS, metavar="NAME",
                        help=f"of {', '.join(LANDMARK_OUTPUTS)}")  # fmt: skip
    given = parser.parse_args(arguments)
    return PoseExportOptions(given.out, given.weights, tuple(given.landmarks), tuple(given.keep))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        written = export(parse(arguments))
    except UnderstudyError as error:
        print(f"export.pose_to_onnx: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    for net in written:
        outputs = ", ".join(f"{name} {list(shape)}" for name, shape in net.outputs.items())
        print(
            f"{net.path}: {net.size / 1e6:.1f} MB, opset {OPSET}, {net.nodes} nodes, "
            f"{net.macs / 1e6:.0f} MMAC; {outputs}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
