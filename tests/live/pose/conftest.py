"""The real pose weights, fetched once."""

from __future__ import annotations

import pytest

from live.pose.weights import PoseWeights, fetch_pose_weights


@pytest.fixture(scope="session")
def pose_weights() -> PoseWeights:
    return fetch_pose_weights(progress=False)
