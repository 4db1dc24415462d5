"""BlazePose ready to run: the weights store's networks on the engine that was asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from live.engines.base import Engine, Feeds
from live.engines.choose import POSE, Opener, open_engine
from live.errors import SetupError
from live.frames import Image
from live.pose.blazepose import BlazePose, BlazePoseSettings
from live.pose.blazepose_crop import Cropper, whole_frame
from live.pose.blazepose_nets import (
    DETECTOR_SIDE,
    INPUT,
    LANDMARKS_SIDE,
    TRACKER_OUTPUTS,
    PoseNets,
    pose_nets,
)
from live.pose.weights import PoseWeights

OUTPUTS = (*TRACKER_OUTPUTS, "heatmaps")
"""With the heatmaps: against the studio's exact joints they take about a tenth off the error's 90th
percentile, and a fifth off the jitter."""

SOMEBODY = Path(__file__).parents[1] / "assets" / "demo" / "subject" / "thumb.jpg"
"""A person to try the networks on, before there is a frame."""

log = logging.getLogger(__name__)


def open_blazepose(
    weights: PoseWeights,
    settings: BlazePoseSettings | None = None,
    engine: str = "cpu",
    openers: Mapping[str, Opener] | None = None,
) -> BlazePose:
    """The tracker. `engine` is one of `live.engines.choose.ENGINES`, for both networks.

    On a GPU each network is tried first, and held against the CPU's result; with "auto" it is taken
    only where it is the faster one, too. If the GPU is lost the CPU takes over. On the CPU it is
    one thread. Raises WeightsError where the networks cannot be used, SetupError where the named
    engine cannot run.
    """
    nets = shipped_nets(weights)
    image = _somebody()
    with ExitStack() as opened:

        def one(what: str, model: bytes, side: int, lowest: float) -> Engine:
            rehearse = _rehearsal(image, side, lowest)
            chosen = open_engine(model, what, engine, 1, rehearse, openers, role=POSE)
            opened.callback(chosen.engine.close)
            log.log(logging.DEBUG if engine == "cpu" else logging.INFO, "%s: %s", what, chosen.why)
            return chosen.engine

        detector = one("BlazePose's detector", nets.detector, DETECTOR_SIDE, -1.0)
        landmarks = one("BlazePose's landmark network", nets.landmarks, LANDMARKS_SIDE, 0.0)
        estimator = BlazePose(detector, landmarks, settings)
        opened.pop_all()
    return estimator


def shipped_nets(weights: PoseWeights) -> PoseNets:
    """The networks that the show runs: engines that are built ahead are built of these bytes."""
    return pose_nets(weights, OUTPUTS)


def _somebody() -> Image:
    image = cv2.imread(str(SOMEBODY))
    if image is None:
        raise SetupError(f"{SOMEBODY} is missing; get the program again, whole")
    return np.asarray(image, np.uint8)


def _rehearsal(image: Image, side: int, lowest: float) -> Feeds:
    """The whole of `image` as a network of `side` pixels sees it."""
    cropper = Cropper(side, lowest)
    cropper.crop(image, whole_frame((image.shape[0], image.shape[1])))
    return {INPUT: cropper.planes}
