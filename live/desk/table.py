"""Every parameter there is. Console, OSC, MIDI, the JSON API and docs/osc.md are made from it."""

from __future__ import annotations

from live.desk.parameters import Kind, Parameter

BACKGROUNDS = ("plate", "colour", "green", "picture")
BEATS = ("now", "beat", "bar")

_NUMBER, _SWITCH, _CHOICE = Kind.NUMBER, Kind.SWITCH, Kind.CHOICE
_ACTION, _READING = Kind.ACTION, Kind.READING

TABLE: tuple[Parameter, ...] = (
    # Safety first: these stand at the top of every desk.
    Parameter(
        "panic", _SWITCH, "safety", "the background alone, at once; nothing else is shown until "
        "it is off again", False, key="Escape", kept=False,
    ),
    Parameter("freeze", _SWITCH, "safety", "the last picture stands still", False, key="f",
              kept=False),
    Parameter("resume", _ACTION, "safety", "end panic and freeze", key="Enter"),
    Parameter("master", _NUMBER, "safety", "brightness of the whole picture; 0 is black", 1.0,
              fades=True),
    # Who is shown.
    Parameter("subject", _CHOICE, "subject", "who dances; loaded beside the running one and "
              "exchanged between two pictures", ""),
    Parameter("subject.fade", _NUMBER, "subject", "how long the old one fades into the new", 1.0,
              high=10, unit="s"),
    Parameter("face", _SWITCH, "subject", "the performer's face moves the subject's", True,
              key="e"),
    # How the figure stands in the picture.
    Parameter("figure.opacity", _NUMBER, "figure", "how solid the figure is", 1.0, fades=True),
    Parameter("figure.scale", _NUMBER, "figure", "size of the finished figure, about the point "
              "where it stands", 1.0, low=0.25, high=4, fades=True),
    Parameter("figure.x", _NUMBER, "figure", "moves the figure to the right", 0.0, low=-2, high=2,
              unit="stage heights", fades=True),
    Parameter("figure.y", _NUMBER, "figure", "moves the figure down", 0.0, low=-2, high=2,
              unit="stage heights", fades=True),
    # How movement is followed.
    Parameter("mirror", _SWITCH, "movement", "move as in a mirror", False, key="m"),
    Parameter("smoothing", _NUMBER, "movement", "0 is quick, 1 is steady", 0.5, fades=True),
    Parameter("lead", _NUMBER, "movement", "predict so far ahead, to hide the delay", 0.0,
              high=300, unit="ms", fades=True),
    Parameter("guard", _NUMBER, "movement", "eases limbs back towards what the subject was "
              "trained on, where the pose is far outside", 0.0, fades=True),
    # From the performer's place and size to the subject's.
    Parameter("normalize.refine", _SWITCH, "normalization", "learn the performer's measures while "
              "the show runs", True),
    Parameter("normalize.scale", _NUMBER, "normalization", "size of the pose that the generator "
              "is given, on top of what was measured", 1.0, low=0.5, high=2, fades=True),
    Parameter("normalize.x", _NUMBER, "normalization", "moves the pose to the right", 0.0, low=-1,
              unit="stage heights", fades=True),
    Parameter("normalize.y", _NUMBER, "normalization", "moves the pose down", 0.0, low=-1,
              unit="stage heights", fades=True),
    Parameter("normalize.calibrate", _ACTION, "normalization", "measure the performer now: walk "
              "to the camera and back for so many seconds (8 if none are given)", key="c",
              takes=("seconds",)),
    Parameter("normalize.forget", _ACTION, "normalization", "forget the performer's measures"),
    # Whom to follow.
    Parameter("person.follow", _ACTION, "performer", "follow the person at this point of the "
              "camera's picture, and nobody else", takes=("x, 0 to 1", "y, 0 to 1")),
    Parameter("person.any", _ACTION, "performer", "follow whoever is largest"),
    Parameter("reset", _ACTION, "performer", "forget the track and look for the performer anew",
              key="r"),
    # What is behind the figure.
    Parameter("background", _CHOICE, "stage", "what is behind the figure; green is for keying",
              "plate", choices=BACKGROUNDS, key="b"),
    Parameter("background.colour", Kind.COLOUR, "stage", "of the background 'colour'", "#000000"),
    Parameter("background.picture", _CHOICE, "stage", "which picture, of those in the folder that "
              "--backdrops names", ""),
    # Cues and presets.
    Parameter("go", _ACTION, "cues", "the next cue", key="Space"),
    Parameter("back", _ACTION, "cues", "the cue before", key="Backspace"),
    Parameter("cue.jump", _ACTION, "cues", "this cue, as if those before it had gone",
              takes=("number, from 1",)),
    Parameter("cues.reload", _ACTION, "cues", "read the cue file again"),
    Parameter("preset.recall", _ACTION, "cues", "what was saved under this name",
              takes=("text:name", "fade, s")),
    Parameter("preset.save", _ACTION, "cues", "save everything that is set under this name",
              takes=("text:name",)),
    Parameter("preset.delete", _ACTION, "cues", "forget the preset of this name",
              takes=("text:name",)),
    # On the beat.
    Parameter("tap", _ACTION, "tempo", "tap the tempo, twice and more; the first tap is the "
              "bar's first beat", key="t"),
    Parameter("tempo", _NUMBER, "tempo", "beats per minute", 120.0, low=30, high=300, unit="bpm"),
    Parameter("on", _CHOICE, "tempo", "when a cue goes: now, on the next beat, or on the next bar "
              "of four", "now", choices=BEATS),
    Parameter("tempo.lead", _NUMBER, "tempo", "a cue on the beat goes so much earlier, to be seen "
              "on it; 0: the delay that the show measures", 0.0, high=1000, unit="ms"),
    # From a MIDI desk.
    Parameter("midi.learn", _ACTION, "MIDI", "the next MIDI control that moves is bound to this "
              "parameter", takes=("text:parameter", "value for a pad")),
    Parameter("midi.forget", _ACTION, "MIDI", "no MIDI control moves this parameter any more",
              takes=("text:parameter",)),
    # What is kept.
    Parameter("record", _SWITCH, "recording", "record what is streamed", False, key="Shift+R",
              kept=False),
    # What the show tells.
    Parameter("fps", _READING, "readings", "pictures a second"),
    Parameter("delay", _READING, "readings", "from camera to encoded, median", unit="ms"),
    Parameter("viewers", _READING, "readings", "who watches"),
    Parameter("novelty", _READING, "readings", "how far the pose is from those that the subject "
              "was trained on: up to 1 is well known, above 2 is beyond its limits"),
    Parameter("rung", _READING, "readings", "generated, held, neutral or plate", ""),
    Parameter("health", _READING, "readings", "good, careful or bad", ""),
    Parameter("cue", _READING, "readings", "the cue that went last", ""),
    Parameter("cue.next", _READING, "readings", "the cue that goes next", ""),
    Parameter("subject.loading", _READING, "readings", "the subject that is being loaded", ""),
    Parameter("recording", _READING, "readings", "the file that is being written", ""),
)  # fmt: skip
