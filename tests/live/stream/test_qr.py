"""Links as QR codes, read back by OpenCV's own reader."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from live.errors import StreamError
from live.stream.qr import svg_qr, terminal_qr

LINK = "https://192.168.1.20:8443/camera?token=Zx3_kQ9-aa71bTnn20PqLw"
ROWS = {"▀": (1, 0), "▄": (0, 1), "█": (1, 1), " ": (0, 0)}


def test_a_terminals_code_is_read_back() -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal_qr(LINK))
    lines = [line for line in plain.splitlines() if line]
    cells = np.array([[ROWS[sign] for sign in line] for line in lines], dtype=np.uint8)
    bits = cells.transpose(0, 2, 1).reshape(-1, cells.shape[1])
    image = np.kron(bits, np.ones((8, 8), np.uint8)) * 255
    found = [cv2.QRCodeDetector().detectAndDecode(one)[0] for one in (image, 255 - image)]
    assert LINK in found


def test_a_page_gets_one_svg() -> None:
    svg = svg_qr(LINK)
    assert svg.startswith("<svg") and svg.rstrip().endswith("</svg>")
    assert "viewBox" in svg and "<script" not in svg


def test_a_link_too_long_is_refused_in_words() -> None:
    with pytest.raises(StreamError, match="too long"):
        svg_qr("https://x/" + "a" * 8000)
