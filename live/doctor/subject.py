"""The subject that begins, and those that the operator can change to."""

from __future__ import annotations

from live import consent
from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, right, wrong
from live.doctor.list_subjects import bundles_in, look_at
from live.subject import load_subject


def look_at_subject(plan: Plan) -> Finding:
    """Whole, every hash right, with consent, and with its marks on."""
    options = plan.options
    subject = load_subject(options.subject)  # raises SubjectError
    manifest = subject.manifest
    (height, width) = manifest.stage_size
    said = f"{manifest.name}, {width}x{height}, whole; {consent.says(subject)}"
    if options.i_have_consent is not None:
        consent.statement(options.i_have_consent)  # raises SetupError
    elif not consent.acknowledged(subject):
        return wrong(
            f"{manifest.name} ({options.subject}) has no consent record, and nobody has answered "
            "for it",
            f"if you have the person's consent, give {consent.OPTION} \"NAME, YYYY-MM-DD, "
            'STATEMENT" once; it is kept',
        )
    off = options.marks.warnings()
    if off:
        return careful(f"{said}; but {'; '.join(off)}", "leave out what switches the marks off")
    return right(f"{said}; pictures are marked as generated")


def look_at_others(plan: Plan) -> Finding | None:
    """What is in the folder of --subjects."""
    folder = plan.options.subjects
    if folder is None:
        return None
    found = [look_at(path) for path in bundles_in(folder, depth=1)]
    broken = [one for one in found if one.broken]
    good = [one.name for one in found if not one.broken]
    if not found:
        return careful(
            f"--subjects {folder} holds no subject",
            "put bundles into it: folders with a subject.json, or .zip files of them",
        )
    said = f"{len(good)} in {folder}: {', '.join(good) or 'none that is whole'}"
    begins = plan.options.subject.resolve()  # it has a line of its own
    unanswered = [one.name for one in found if not one.allowed and one.path.resolve() != begins]
    remedies = []
    if broken:
        said += f"; {len(broken)} broken"
        remedies.append("copy or export those again, or take them out")
    if unanswered:  # the console refuses to change to them
        said += f"; without consent: {', '.join(unanswered)}"
        remedies.append("answer for them at the console before the show")
    if remedies:
        return careful(said, "; ".join(remedies), [one.lines[0] for one in broken])
    return right(said)
