"""How the show is, as a traffic light, and in words what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from live.desk.snapshot import Finding, Light, Snapshot

NOBODY_S = 5.0  # without anybody in the picture
SLOW_SOURCE_FPS = 20.0  # below it movement looks chopped
BEHIND_SHARE = 0.75  # of the source's pictures; below it the machine does not keep up
LATE_MS, TOO_LATE_MS = 150.0, 300.0  # p95 from camera to encoded: a dancer feels it; nobody can
STUCK_S = 2.0  # without a new picture
RESTARTS = 3  # of stages in the last minute
LOSSY_SHARE = 0.25  # of the viewers on bad lines: it is hardly their own lines any more
LOW_DISK_MB, NO_DISK_MB = 2_000.0, 300.0  # about an hour at 4 Mbit/s; ten minutes
FULL_GPU = 0.97  # of its memory; beyond it another subject hardly fits beside the running one
BEYOND = 2.0  # novelty above which the subject was never seen in such a pose
BEYOND_S = 4.0

Judge = Callable[[Snapshot], Finding | None]


def judge(snapshot: Snapshot) -> list[Finding]:
    """Everything that is not as it should be, the worst first."""
    found = [finding for one in JUDGES if (finding := one(snapshot)) is not None]
    return sorted(found, key=lambda finding: finding.light is not Light.BAD)


def overall(findings: Sequence[Finding]) -> Light:
    """The worst of all."""
    return max((one.light for one in findings), key=list(Light).index, default=Light.GOOD)


def _panic(now: Snapshot) -> Finding | None:
    if not now.panic:
        return None
    return _careful("panic is on: the audience sees the background only",
                    "turn panic off, or press Enter to resume")  # fmt: skip


def _frozen(now: Snapshot) -> Finding | None:
    if not now.frozen or now.panic:
        return None
    return _careful("freeze is on: the audience sees a picture that stands still",
                    "turn freeze off, or press Enter to resume")  # fmt: skip


def _dark(now: Snapshot) -> Finding | None:
    if not now.dark:
        return None
    return _careful("the master fader is at 0: the audience sees black", "move the master up")


def _source(now: Snapshot) -> Finding | None:
    if now.source_trouble is not None:
        light = Light.BAD if now.source_fps <= 0 else Light.CAREFUL
        return Finding(light, now.source_trouble,
                       "see that it is plugged in, uncovered and used by no other program; the "
                       "show takes it up again by itself")  # fmt: skip
    if now.source_fps <= 0:
        return _bad(f"{now.source} gives no pictures",
                    "see that it is plugged in and used by no other program")  # fmt: skip
    if now.source_fps < SLOW_SOURCE_FPS:
        return _careful(
            f"{now.source} gives {now.source_fps:.0f} pictures a second",
            "give the stage more light, for cameras slow down in the dark; or plug it into a USB "
            "port of its own",
        )
    return None


def _nobody(now: Snapshot) -> Finding | None:
    if now.nobody_s < NOBODY_S or _source_is_gone(now):
        return None
    if now.picked:
        return _careful(
            f"the person who was picked has not been seen for {now.nobody_s:.0f} s",
            "click on the person in the camera's picture, or follow anybody",
        )
    return _careful(
        f"nobody has been seen for {now.nobody_s:.0f} s",
        "let the performer step before the camera, whole, from head to feet, and in the light",
    )


def _stuck(now: Snapshot) -> Finding | None:
    if now.stuck_s < STUCK_S:
        return None
    return _bad(f"no new picture has been made for {now.stuck_s:.0f} s; the last one is repeated",
                "wait some seconds, for what hangs is started again; if it stays so, start the "
                "show again")  # fmt: skip


def _behind(now: Snapshot) -> Finding | None:
    if _source_is_gone(now) or now.stuck_s >= STUCK_S or now.fps >= BEHIND_SHARE * now.source_fps:
        return None
    light = Light.BAD if now.fps < 0.4 * now.source_fps else Light.CAREFUL
    return Finding(
        light,
        f"{now.fps:.0f} pictures a second are made of the {now.source_fps:.0f} that come",
        "close other programs, plug the machine in, or choose a smaller subject",
    )


def _late(now: Snapshot) -> Finding | None:
    if now.delay_p95_ms < LATE_MS:
        return None
    light = Light.BAD if now.delay_p95_ms >= TOO_LATE_MS else Light.CAREFUL
    return Finding(light, f"pictures take {now.delay_p95_ms:.0f} ms from the camera to the stream",
                   "close other programs; the delay of each stage tells which one is slow, and "
                   "lead can hide some of it")  # fmt: skip


def _generator(now: Snapshot) -> Finding | None:
    if not now.generator_fails:
        return None
    return _bad("the generator fails, and the audience sees the background only",
                "change the subject and back; if it stays so, start the show again with --engine "
                "cpu")  # fmt: skip


def _nets(now: Snapshot) -> Finding | None:
    if not now.nets_fail:
        return None
    one = len(now.nets_fail) == 1
    what = f"{' and '.join(now.nets_fail)} {'net fails' if one else 'nets fail'}"
    return _careful(f"the {what}, and the show goes on without {'it' if one else 'them'}",
                    "change the subject and back; if it stays so, start the show again with "
                    "--engine cpu")  # fmt: skip


def _pose(now: Snapshot) -> Finding | None:
    if not now.pose_fails:
        return None
    return _bad("the search for the performer fails, and the figure stands in its calm pose",
                "reset tracking; if it stays so, start the show again")  # fmt: skip


def _encoder(now: Snapshot) -> Finding | None:
    if not now.encoder_fails:
        return None
    return _bad("pictures are not encoded, and viewers see none",
                "start the show again; --doctor tells which encoders work")  # fmt: skip


def _restarts(now: Snapshot) -> Finding | None:
    if not now.restarts:
        return None
    light = Light.BAD if now.restarts >= RESTARTS else Light.CAREFUL
    times = "once" if now.restarts == 1 else f"{now.restarts} times"
    return Finding(light, f"a stage failed and began anew {times} in the last minute",
                   "see the log below for what failed; in the next break, start the show "
                   "again")  # fmt: skip


def _lines(now: Snapshot) -> Finding | None:
    if not now.lossy:
        return None
    if now.lossy < LOSSY_SHARE * now.viewers or now.viewers < 2:
        return _careful(f"{now.lossy} of {now.viewers} viewers have a bad line and get the small "
                        "picture", "nothing: theirs is the line")  # fmt: skip
    return _careful(
        f"{now.lossy} of {now.viewers} viewers have bad lines and get the small picture",
        "put this machine on a cable instead of Wi-Fi, or lower the bitrate",
    )


def _disk(now: Snapshot) -> Finding | None:
    if now.disk_hangs:
        return _bad("the disk that is recorded to does not answer",
                    "see that it is plugged in, or that its network is there; the show goes on "
                    "without it")  # fmt: skip
    if not now.recording or now.disk_mb is None or now.disk_mb >= LOW_DISK_MB:
        return None
    light = Light.BAD if now.disk_mb < NO_DISK_MB else Light.CAREFUL
    return Finding(light, f"the disk that is recorded to has {now.disk_mb:.0f} MB left",
                   "make room on it, or stop recording")  # fmt: skip


def _gpu(now: Snapshot) -> Finding | None:
    used, total = (now.gpu.memory_mb, now.gpu.memory_total_mb) if now.gpu else (None, None)
    if used is None or total is None or used < FULL_GPU * total:
        return None
    return _careful(f"the graphics card's memory is nearly full: {used:.0f} of {total:.0f} MB",
                    "close other programs that use the card before you change the "
                    "subject")  # fmt: skip


def _novel(now: Snapshot) -> Finding | None:
    if now.beyond_s < BEYOND_S:
        return None
    return _careful(
        f"the pose is far from all that the subject was trained on (novelty {now.novelty:.1f})",
        "let the performer stay within calmer moves, turn the guard up, or calibrate now",
    )


def _consent(now: Snapshot) -> Finding | None:
    if now.consent:
        return None
    return _bad("nobody has answered for the consent of the person who is shown",
                "state whose consent you have, or show another subject")  # fmt: skip


def _marks(now: Snapshot) -> Finding | None:
    if not now.unmarked:
        return None
    return _careful(f"{' and '.join(now.unmarked)} switched off: nobody can tell that the picture "
                    "is generated", "start the show without the option that does it")  # fmt: skip


def _source_is_gone(now: Snapshot) -> bool:
    return now.source_fps <= 0 or now.source_trouble is not None


def _careful(what: str, remedy: str) -> Finding:
    return Finding(Light.CAREFUL, what, remedy)


def _bad(what: str, remedy: str) -> Finding:
    return Finding(Light.BAD, what, remedy)


JUDGES: tuple[Judge, ...] = (
    _panic, _frozen, _dark, _consent, _source, _stuck, _generator, _nets, _pose, _encoder,
    _behind, _late, _nobody, _restarts, _lines, _disk, _gpu, _novel, _marks,
)  # fmt: skip
