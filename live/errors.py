"""Every exception this project raises on purpose.

    UnderstudyError
    |-- SourceError    a camera, file or URL that cannot be opened or read
    |-- WeightsError   pose weights that are absent, half downloaded or corrupt
    |-- SubjectError   a subject bundle that is missing, tampered with, too new or of a wrong shape
    |-- StreamError    an offer, port or encoder that cannot serve a viewer
    |-- DeskError      an order from a desk that means nothing: a name, a value, a cue
    `-- SetupError     an optional package, option or file that the command needs and has not

A message says what happened, with which value, and what to do. Entry points print it as one
sentence and exit with code 2 (`EXIT_BAD_INPUT`); a running show logs it and goes on.
"""

EXIT_BAD_INPUT = 2


class UnderstudyError(Exception):
    """Something that the person at the desk can mend; the message says how."""


class SourceError(UnderstudyError):
    """A camera, file or URL that cannot be opened or read."""


class WeightsError(UnderstudyError):
    """Pose weights that are absent, half downloaded or corrupt."""


class SubjectError(UnderstudyError):
    """A subject bundle that is missing, tampered with, too new or of a wrong shape."""


class StreamError(UnderstudyError):
    """An offer, port or encoder that cannot serve a viewer."""


class DeskError(UnderstudyError):
    """An order from a desk that means nothing: an unknown name, a value out of range, a cue."""


class SetupError(UnderstudyError):
    """An optional package, option or file that the command needs and has not."""
