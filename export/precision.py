"""A bundle's nets in other number formats: float32 throughout, or computing in halves.

    python -m export.precision BUNDLE --out FOLDER

writes generator.fp32.onnx and generator.fp16.onnx, and the same of face.onnx and hands.onnx where
the bundle has them; `export.to_onnx --variants FOLDER` writes the same. Inputs and outputs stay
those of the contract (`export.generator_graph`, `export.part_graph`): what changes is inside. The
bundle's own files may store their weights as halves and cast them once when they are loaded
(`--weights float16` of export.to_onnx); they compute in float32 all the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from export.engine_precision import to_float16
from export.onnx_files import checked, loaded
from export.rebuild import constants
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.subject import load_subject
from training.disk import write_whole

GENERATOR = "generator.onnx"


def as_float32(model: bytes) -> bytes:
    """`model` with every stored half turned into the float32 that it is cast to on loading."""
    from onnx import TensorProto, numpy_helper

    known = constants(model)
    proto = loaded(model)
    graph = proto.graph
    halves = {t.name for t in graph.initializer if t.data_type == TensorProto.FLOAT16}
    casts = [n for n in graph.node if n.op_type == "Cast" and n.input[0] in halves]
    for cast in casts:
        graph.node.remove(cast)
        graph.initializer.append(numpy_helper.from_array(known[cast.output[0]], cast.output[0]))
    wanted = {name for node in graph.node for name in node.input}
    for tensor in [t for t in graph.initializer if t.name not in wanted]:
        graph.initializer.remove(tensor)
    return checked(proto)


def as_float16(model: bytes, what: str = GENERATOR) -> bytes:
    """`model` with every number inside it a half: for engines that compute in the model's types.

    `state` and `next_state` stay float32 and are cast inside. What GPU engines are built from.
    `what` names it in errors: raises SubjectError for numbers that are too large for a half.
    """
    return to_float16(as_float32(model), what)


def stores_halves(model: bytes) -> bool:
    """Whether weights of `model` are stored as float16."""
    from onnx import TensorProto

    return any(t.data_type == TensorProto.FLOAT16 for t in loaded(model).graph.initializer)


def variants_of(nets: Mapping[str, bytes]) -> dict[str, bytes]:
    """Both formats of each net by file name: of face.onnx face.fp32.onnx and face.fp16.onnx.

    Raises SubjectError as `as_float16` does.
    """
    found = {}
    for name, model in nets.items():
        stem = name.removesuffix(".onnx")
        found[f"{stem}.fp32.onnx"] = as_float32(model)
        found[f"{stem}.fp16.onnx"] = as_float16(model, name)
    return found


def write_variants(variants: Mapping[str, bytes], folder: Path) -> list[str]:
    """Write the files into `folder`; a line about each. Raises SetupError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"{folder} cannot be written to ({error.strerror or error}); name another folder"
        ) from error
    for name, content in variants.items():
        write_whole(folder / name, content)
    return [f"{folder / name}: {len(content) / 1e6:.2f} MB" for name, content in variants.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write them; 2 and one sentence where that cannot be done."""
    parser = argparse.ArgumentParser(description="A bundle's nets in float32 and in float16.")
    parser.add_argument("bundle", type=Path, help="the folder or .zip that export.to_onnx wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the files to")
    given = parser.parse_args(arguments)
    try:
        subject = load_subject(given.bundle)
        parts = {f"{name}.onnx": model for name, model in subject.parts.items()}
        variants = variants_of({GENERATOR: subject.generator, **parts})
        print("\n".join(write_variants(variants, given.out)))
    except UnderstudyError as error:
        print(f"export.precision: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
