"""A small but whole subject whose generator is a real student, with random weights."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from export.generator_graph import generator_onnx
from live.body import BodyStats
from live.skeleton import LabelStyle
from live.subject import Codebook, SubjectManifest, encode_codebook, write_subject
from live.window import WindowSettings
from tests.training.conftest import TINY
from tests.training.tiny_footage import pose_at
from training.nets import Student

SIZE = (64, 48)
STAGE = (128, 160)
BODY = BodyStats(0.815, 0.7, 0.7, 0.65, 0.35, STAGE[1] / STAGE[0])
"""About that of `tiny_footage`'s figure, which does not walk in depth."""


def lively_student(seed: int = 0) -> Student:
    """Random weights with a lively output: alpha anywhere between 0 and 1."""
    torch.manual_seed(seed)
    net = Student(TINY)
    with torch.no_grad():
        net.head.weight.mul_(60)
        torch.nn.init.zeros_(net.head.get_parameter("bias"))
    return net.eval()


def walking_codebook(count: int = 12) -> Codebook:
    """Every fifth pose of `tiny_footage`, in pixels of the stage."""
    poses = [pose_at(5 * number, STAGE) for number in range(count)]
    still = pose_at(0, STAGE, still=True)
    points, scores = (np.stack([getattr(p, name) for p in poses]) for name in ("points", "scores"))
    return Codebook(points, scores, still.points, still.scores)


def write_student_subject(folder: Path, student: Student, weights: str = "float16") -> Path:
    """Write the bundle into `folder` and return it."""
    plate = np.full((*STAGE, 3), 100, np.uint8)
    manifest = SubjectManifest("random", SIZE, STAGE, LabelStyle(), BODY, WindowSettings(), None)
    files = {
        "generator.onnx": generator_onnx(student, SIZE, weights),
        "plate.png": cv2.imencode(".png", plate)[1].tobytes(),
        "thumb.jpg": cv2.imencode(".jpg", plate[:16, :16])[1].tobytes(),
        "poses.npz": encode_codebook(walking_codebook()),
    }
    write_subject(folder, manifest, files)
    return folder
