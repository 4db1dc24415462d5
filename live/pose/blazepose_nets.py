"""BlazePose's two networks as ONNX, converted from the TFLite files of the weights store.

The conversion takes a tenth of a second and needs nothing but those files, so its result is kept
nowhere: there is no export step to forget and no second file to go stale. Equal weights give equal
bytes, so an engine's cache may be keyed by them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from live.errors import WeightsError
from live.pose.tflite_graph import UnsupportedNetError, read_tflite
from live.pose.tflite_to_onnx import convert
from live.pose.weights import PoseWeights

DETECTOR_OUTPUTS = ("boxes", "scores")
LANDMARK_OUTPUTS = ("landmarks", "presence", "segmentation", "heatmaps", "world_landmarks")
TRACKER_OUTPUTS = ("landmarks", "presence")
"""What `BlazePose` needs of the landmark network; "heatmaps" refine, for half a millisecond."""

INPUT = "image"
DETECTOR_SIDE, LANDMARKS_SIDE = 224, 256  # of the networks' pictures, pixels


@dataclass(frozen=True, slots=True)
class PoseNets:
    """ONNX files, as bytes."""

    detector: bytes  # image (1, 3, 224, 224) in [-1, 1], RGB
    landmarks: bytes  # image (1, 3, 256, 256) in [0, 1], RGB


def pose_nets(weights: PoseWeights, keep: Collection[str] = TRACKER_OUTPUTS) -> PoseNets:
    """Both networks of `weights`; the landmark network computes only the outputs named in `keep`.

    Raises WeightsError where a file cannot be read or converted.
    """
    return PoseNets(
        net_to_onnx(weights.detector, DETECTOR_OUTPUTS),
        net_to_onnx(weights.landmarks, keep),
    )


def net_to_onnx(path: Path, keep: Collection[str] | None = None) -> bytes:
    """The TFLite network in `path` as ONNX: detector, or landmark network of any size.

    Without `keep` every output stays. Raises WeightsError.
    """
    try:
        graph = read_tflite(path.read_bytes())
        outputs = {at: _output_name(graph.tensors[at].shape) for at in graph.outputs}
        if unknown := set(keep or ()) - set(outputs.values()):
            raise WeightsError(
                f"{path} has no output {', '.join(sorted(unknown))}; "
                f"it has {', '.join(outputs.values())}"
            )
        kept = {at: name for at, name in outputs.items() if keep is None or name in keep}
        return convert(graph, path.stem, [INPUT], kept)
    except OSError as error:
        raise WeightsError(f"the network {path} cannot be read ({error.strerror})") from error
    except UnsupportedNetError as error:
        raise WeightsError(f"the network {path} cannot be converted: {error}") from error


def _output_name(shape: tuple[int, ...]) -> str:
    """What BlazePose's output of `shape` (TFLite's, NHWC) means; the files call them Identity_N."""
    match shape:
        case (1, _, 12):
            return "boxes"
        case (1, _, 1):
            return "scores"
        case (1, 195):
            return "landmarks"
        case (1, 117):
            return "world_landmarks"
        case (1, 1):
            return "presence"
        case (1, _, _, 1):
            return "segmentation"
        case (1, _, _, 39):
            return "heatmaps"
    raise UnsupportedNetError(f"an output of shape {shape} is none of BlazePose's")
