"""The same generator in other number formats: float32 throughout, or computing in halves.

    python -m export.precision BUNDLE --out FOLDER

writes generator.fp32.onnx and generator.fp16.onnx. Inputs and outputs stay those of the contract
(`export.generator_graph`): what changes is inside. The bundle's own file may store its weights as
halves and cast them once when it is loaded (`--weights float16` of export.to_onnx); it computes in
float32 all the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from export.engine_precision import to_float16
from export.onnx_files import checked, loaded
from export.rebuild import constants
from live.errors import EXIT_BAD_INPUT, UnderstudyError
from live.subject import load_subject
from training.disk import write_whole


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


def as_float16(model: bytes) -> bytes:
    """`model` with every number inside it a half: for engines that compute in the model's types.

    `state` and `next_state` stay float32 and are cast inside. What GPU engines are built from.
    """
    return to_float16(as_float32(model), "generator.onnx")


def stores_halves(model: bytes) -> bool:
    """Whether weights of `model` are stored as float16."""
    from onnx import TensorProto

    return any(t.data_type == TensorProto.FLOAT16 for t in loaded(model).graph.initializer)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both; 2 and one sentence where that cannot be done."""
    parser = argparse.ArgumentParser(description="The generator in float32 and in float16.")
    parser.add_argument("bundle", type=Path, help="the folder or .zip that export.to_onnx wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the two files to")
    given = parser.parse_args(arguments)
    try:
        model = load_subject(given.bundle).generator
        given.out.mkdir(parents=True, exist_ok=True)
        for name, content in (("fp32", as_float32(model)), ("fp16", as_float16(model))):
            path = given.out / f"generator.{name}.onnx"
            write_whole(path, content)
            print(f"{path}: {len(content) / 1e6:.2f} MB")
    except UnderstudyError as error:
        print(f"export.precision: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as error:
        print(f"export.precision: {given.out} cannot be written ({error})", file=sys.stderr)
        return EXIT_BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
