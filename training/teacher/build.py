"""Options -> a stage's nets, rates and record. Later stages begin with earlier ones' nets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from live.errors import SetupError
from live.head import square_side
from live.skeleton import LabelStyle
from training.checkpoint import NAME, fitting, load_checkpoint
from training.dataset import digest
from training.teacher.nets import GlobalGenerator, LocalEnhancer
from training.teacher.objective import TeacherWeights
from training.teacher.options import TeacherOptions
from training.teacher.run import StageRecord, load_painters, read_stage
from training.teacher.stages import FaceStage, PictureStage, Stage
from training.teacher.trainer import TeacherRates
from training.teacher.world import World

SCALES = {"global": 2, "local": 3, "face": 1}  # of the critic
PERCEPTUAL = {"global": 5.0, "local": 10.0, "face": 5.0}


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A stage that can be trained."""

    stage: Stage
    rates: TeacherRates
    record: StageRecord


def plan(options: TeacherOptions, name: str, world: World) -> Plan:
    """Raises SetupError where an earlier stage is missing or does not fit."""
    if name == "face":
        return _face(options, world)
    stage = PictureStage(
        _generator(options, name), options.temporal, options.fix_global if name == "local" else 0.0
    )
    return Plan(stage, _rates(options, name, world), _record(options, name, options.size_of(name)))


def _generator(options: TeacherOptions, name: str) -> GlobalGenerator | LocalEnhancer:
    net = GlobalGenerator(options.shape)
    if name == "global":
        return net
    if (options.out / name / NAME).is_file():
        return LocalEnhancer(net)  # goes on with weights of its own
    content = load_checkpoint(options.out / "global", ("net",))
    record = read_stage(options.out / "global")
    if content is None or record is None:
        raise SetupError(
            f"{options.out} has no trained global generator for the enhancer; "
            f"run --stages global first"
        )
    same = _record(options, "global", record.size)
    record.refuse_unless_same(same, options.out / "global")
    with fitting(options.out / "global"):
        net.load_state_dict(content["net"])
    return LocalEnhancer(net)


def _face(options: TeacherOptions, world: World) -> Plan:
    main = load_painters(options.out)
    if main.record.data_sha256 != digest(options.data):
        raise SetupError(
            f"the generator in {options.out} was trained on another state of the dataset than "
            f"{options.data} is in now; train it again, or restore the dataset"
        )
    size, shape = main.record.size, options.face_shape
    side = options.face_side or square_side(size[0], shape.multiple)
    if side % shape.multiple or not 2 * shape.multiple <= side <= min(size):
        raise SetupError(
            f"--face is {side}; it must be a multiple of {shape.multiple}, at least "
            f"{2 * shape.multiple} and at most the picture's {min(size)}"
        )
    net = main.net.to(world.device)
    stage = FaceStage(GlobalGenerator(shape), net, side, main.feedback)
    record = _record(options, "face", size, side)
    return Plan(stage, _rates(options, "face", world), record)


def _rates(options: TeacherOptions, name: str, world: World) -> TeacherRates:
    gpu = world.device.type == "cuda"
    last = gpu if options.channels_last is None else options.channels_last
    return TeacherRates(
        weights=replace(TeacherWeights(), perceptual=PERCEPTUAL[name], pixel=options.pixel),
        rate=options.rate,
        critic_width=options.critic_width,
        scales=SCALES[name],
        bfloat16=options.bfloat16,
        channels_last=last,
        compiled=options.compiled,
    )


def _record(
    options: TeacherOptions, name: str, size: tuple[int, int], face_side: int = 0
) -> StageRecord:
    data = Path(options.data).absolute()
    settings = options.settings(name)
    sha = digest(options.data)
    return StageRecord(name, str(data), sha, size, face_side, LabelStyle(), settings)
