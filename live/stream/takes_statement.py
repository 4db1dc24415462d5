"""What a recording says that begins while one subject fades into another: both are in it."""

from __future__ import annotations

from dataclasses import replace

from live.stream.provenance_statement import Statement


def of_both(leaving: Statement, coming: Statement) -> Statement:
    """One statement that names both, the one who stays first."""
    if leaving.bundle_sha256 == coming.bundle_sha256:
        return coming
    both = (coming, leaving)
    return replace(
        coming,
        subject=" and ".join(one.subject for one in both),
        bundle_sha256=" ".join(one.bundle_sha256 for one in both),
        consent_basis=_each(both, [one.consent_basis for one in both]),
        consent_date=_each(both, [one.consent_date for one in both]),
    )


def _each(both: tuple[Statement, ...], said: list[str]) -> str:
    """Once where it is the same, else by name."""
    if len(set(said)) == 1:
        return said[0]
    return "; ".join(f"{one.subject}: {text}" for one, text in zip(both, said, strict=True))
