"""All that the doctor looks at, in the order in which people mend it."""

from __future__ import annotations

from live.doctor import (
    audience,
    desks,
    disk,
    encoders,
    engines,
    extras,
    libraries,
    machine,
    packages,
    packets,
    performer,
    pose,
    retouch,
    server,
    source,
    subject,
    weights,
)
from live.doctor.check import Check
from live.parts import PARTS, Part


def _net(part: Part) -> Check:
    return Check(part.name, lambda plan: retouch.look_at_net(plan, part), retouch.LIMIT_S)


CHECKS = (
    Check("python", lambda plan: packages.look_at_python()),
    Check("packages", lambda plan: packages.look_at_packages()),
    Check("libraries", libraries.look_at_libraries),
    Check("machine", machine.look_at_machine),
    Check("clock", machine.look_at_clock),
    Check("camera", source.look_at_source, source.LIMIT_S),
    Check("pose weights", weights.look_at_weights),
    Check("pose", pose.look_at_pose, pose.LIMIT_S),
    Check("performer", performer.look_at_performer),
    Check("subject", subject.look_at_subject),
    Check("subjects", subject.look_at_others),
    Check("engine", engines.look_at_engines, engines.LIMIT_S),
    *(_net(part) for part in PARTS),
    Check("encoder", encoders.look_at_encoders, encoders.LIMIT_S),
    Check("sound", extras.look_at_sound, extras.LIMIT_S),
    Check("webcam out", extras.look_at_virtual_camera, extras.LIMIT_S),
    Check("server", server.look_at_server, server.LIMIT_S),
    Check("packets", packets.look_at_packets, packets.LIMIT_S),
    Check("audience", audience.look_at_audience),
    Check("certificate", audience.look_at_certificate),
    Check("disk", disk.look_at_disk),
    Check("cues", desks.look_at_cues),
    Check("OSC", desks.look_at_osc),
    Check("MIDI", desks.look_at_midi),
)
