"""Pose weights: there, and whole. Nothing is fetched here: that takes a network and its time."""

from __future__ import annotations

from live.cache import cache_folder
from live.doctor.check import Plan
from live.doctor.finding import Finding, right, wrong
from live.pose import weights as store

FETCH = "python -m live.pose.weights"


def look_at_weights(plan: Plan) -> Finding | None:
    """In the folder of --weights, else in the cache, by their hashes."""
    if plan.options.pose == "openpose":
        return None
    folder = plan.options.weights
    if folder is not None:
        store.check_folder(folder)  # raises WeightsError, with the remedy
        return right(f"{folder} holds the right ones")
    cache = cache_folder() / "pose"
    bad = store.unusable(cache)
    if not bad:
        return right(f"in {cache}, every byte as it should be")
    absent = [name for name in bad if not (cache / name).exists()]
    state = "not there yet" if absent else "damaged"
    return wrong(
        f"{', '.join(absent or bad)} in {cache}: {state}",
        f"with a network: {FETCH}; without one: that command with --folder FOLDER, where you "
        f"brought what `{store.PIP_DOWNLOAD} --dest FOLDER` fetched elsewhere",
    )
