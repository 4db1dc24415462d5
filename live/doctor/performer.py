"""The performer's measures: in their file, to be taken, or learnt while the show runs."""

from __future__ import annotations

from live.doctor.check import Plan
from live.doctor.finding import Finding, right
from live.performer import performer_of
from live.sources.file import open_clip


def look_at_performer(plan: Plan) -> Finding:
    """Raises SetupError, SourceError for a file that cannot be read."""
    options = plan.options
    if options.calibrate_clip is not None:
        open_clip(options.calibrate_clip).close()  # to measure in it takes longer than we have
        return right(f"will be measured in {options.calibrate_clip}, before the show")
    if performer_of(options) is not None:
        return right(f"measured, in {options.performer}")
    if options.calibrate_s:
        return right(f"will be measured in the show's first {options.calibrate_s:g} s")
    return right(
        "not measured: the show learns while it runs; --calibrate 8 --performer FILE is surer"
    )
