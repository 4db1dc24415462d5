"""The coach's report as one HTML file, pictures and all, and as JSON beside it."""

from __future__ import annotations

import html
from pathlib import Path

from training.assemble import Assembled
from training.coach.coach import ENOUGH, GAPS, Report
from training.coach.coverage import Covered
from training.coach.pictures import (
    Shown,
    flagged,
    plate_picture,
    pose_pictures,
    sharp_and_soft,
)
from training.coach.style import CSS
from training.coach.timeline import timeline
from training.disk import write_whole

HTML = "report.html"
FIRST = 8  # advice that is shown before one asks for more
_PAINTS = {ENOUGH: "good", GAPS: "some"}


def write_report(folder: Path, report: Report, found: Assembled) -> None:
    """`report.html` and `report.json` into `folder`. Raises SetupError where it is full."""
    folder.mkdir(parents=True, exist_ok=True)
    report.write(folder)
    write_whole(folder / HTML, page(report, found).encode())


def page(report: Report, found: Assembled) -> str:
    """The whole page."""
    parts = [
        _head(report),
        _facts(report),
        _next(report),
        _list("What to expect of a subject trained on this", report.expect),
        _poses(report.coverage, pose_pictures(found, report.coverage)),
        f"<h2>From beginning to end</h2>{timeline(found)}",
        _list("", report.notes),
        _strip("Sharpness", sharp_and_soft(found), _sharp_words(report)),
        _plate(report, found),
        _strip("What was flagged", flagged(found), ""),
        _how(report),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>Footage: {_safe(report.verdict)}</title><style>{CSS}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def _head(report: Report) -> str:
    paint = _PAINTS.get(report.verdict, "bad")
    clips = " · ".join(map(_safe, report.clips))
    return (
        f"<h1>Footage report · {clips}</h1>"
        f'<p class="verdict {paint}">{_safe(report.verdict[:1].upper() + report.verdict[1:])}</p>'
        f'<p class="headline">{_safe(report.headline)}</p>'
        f'<p class="faint">Consent: {_safe(report.consent)}</p>'
    )


def _facts(report: Report) -> str:
    f = report.figures
    facts = {
        "usable": f"{f.seconds_usable:.{0 if f.seconds >= 10 else 1}f} s of {f.seconds:.1f} s",
        "reference set": f"{report.coverage_score:.0%}",
        "figure": f"{f.figure_px:.0f} px tall",
        "hand, as learned": f"{f.hand_px:.0f} px",
        "head, as learned": f"{f.head_px:.0f} px",
        "blur (0 is sharp)": f"{f.blur:.2f}",
        "brightness": f"{f.brightness:.0f} of 255",
        "light drift": f"{f.light_drift:.0%}",
        "near to far": f"{f.depth:.2f} : 1",
        "background unseen": f"{f.unseen_share:.0%}",
    }
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    return f'<dl class="facts">{cells}</dl>'


def _next(report: Report) -> str:
    if not report.advice:
        return "<h2>What to film next</h2><p>Nothing: train.</p>"
    items = [f"<li><b>{_safe(a.do)}</b><small>{_safe(a.why)}</small></li>" for a in report.advice]
    more = ""
    if len(items) > FIRST:
        rest = "".join(items[FIRST:])
        more = (
            f"<details><summary>and {len(items) - FIRST} smaller ones</summary>"
            f'<ol class="next" start="{FIRST + 1}">{rest}</ol></details>'
        )
    first = "".join(items[:FIRST])
    return (
        "<h2>What to film next</h2><p class='faint'>What helps most comes first.</p>"
        f'<ol class="next">{first}</ol>{more}'
    )


def _list(title: str, lines: tuple[str, ...]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{_safe(line)}</li>" for line in lines)
    return (f"<h2>{title}</h2>" if title else "") + f"<ul>{items}</ul>"


def _poses(covered: tuple[Covered, ...], pictures: dict[str, str]) -> str:
    cards = "".join(_pose(line, pictures.get(line.name)) for line in covered)
    return f'<h2>What the footage shows</h2><div class="poses">{cards}</div>'


def _pose(line: Covered, url: str | None) -> str:
    still = f'<img src="{url}" alt="{_safe(line.name)}">' if url else "not shown"
    paint = "good" if line.share >= 0.999 else "some" if line.share >= 0.3 else "bad"
    times = f", {line.occasions} times" if line.occasions > 1 else ""
    return (
        f'<div class="pose"><div class="still">{still}</div><div class="words">'
        f"<b>{_safe(line.name)}</b>"
        f'<div class="bar {paint}"><i style="width:{100 * line.share:.0f}%"></i></div>'
        f"<small>{line.seconds:.1f} s of {line.wanted_s:.0f} s{times}</small></div></div>"
    )


def _strip(title: str, pictures: list[Shown], words: str) -> str:
    if not pictures:
        return ""
    figures = "".join(
        f'<figure><img src="{shown.url}" alt="{_safe(shown.caption)}">'
        f"<figcaption>{_safe(shown.caption)}</figcaption></figure>"
        for shown in pictures
    )
    said = f"<p>{_safe(words)}</p>" if words else ""
    return f'<h2>{title}</h2>{said}<div class="strip">{figures}</div>'


def _sharp_words(report: Report) -> str:
    f = report.figures
    return (
        f"Blur of the person {f.blur:.2f}, where 0 is sharp and 1 is blurred. "
        f"{f.soft_share:.0%} of the pictures are much softer than the rest."
    )


def _plate(report: Report, found: Assembled) -> str:
    f = report.figures
    caption = (
        f"The stage without people, as the footage gives it. Hatched: never seen, "
        f"{f.unseen_share:.0%} of the picture and {f.unseen_behind_share:.0%} of where the person "
        f"stands; there it is a guess, and the generator paints the background itself."
    )
    return _strip("The background", [Shown(plate_picture(found), caption)], "")


def _how(report: Report) -> str:
    return (
        "<details><summary>How this is measured</summary><p class='faint'>Poses are told by the "
        "joints of the skeleton, in the figure's own heights and angles; each line of the set has "
        "a number of seconds that a subject is known to profit from. Sizes are those of the "
        "pictures that training sees: the lesser of what was filmed and what the generator's "
        "window holds. A hand is 12 % and a head 14.5 % of the height from ankles to eyes. Blur is "
        "Crete's blur effect. Camera, light and background are held against the plate, frame by "
        "frame. The same figures are in report.json.</p></details>"
    )


def _safe(words: str) -> str:
    return html.escape(words)
