"""Small real ONNX nets with a generator's contract, whose state matters."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIZE = (16, 24)


def fading_generator(height: int = SIZE[0], width: int = SIZE[1], op: str = "Add") -> bytes:
    """next_state = `op`(label / 510, state / 2), RGB + its brightness: a light that fades slowly.

    `op` may be an operator that no runtime knows.
    """
    nodes = [
        helper.make_node("Cast", ["label"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["f", "last"], ["brightest"], keepdims=1),
        helper.make_node("Concat", ["f", "brightest"], ["nhwc"], axis=3),
        helper.make_node("Transpose", ["nhwc"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["nchw", "fine"], ["now"]),
        helper.make_node("Mul", ["state", "half"], ["before"]),
        helper.make_node(op, ["now", "before"], ["next_state"], name="the_sum"),
        helper.make_node("Mul", ["next_state", "full"], ["levels"]),
        helper.make_node("Round", ["levels"], ["rounded"]),
        helper.make_node("Transpose", ["rounded"], ["last_nhwc"], perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["last_nhwc"], ["rgba"], to=TensorProto.UINT8),
    ]
    state = [1, 4, height, width]
    graph = helper.make_graph(
        nodes,
        "fading_generator",
        [
            helper.make_tensor_value_info("label", TensorProto.UINT8, [1, height, width, 3]),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, state),
        ],
        [
            helper.make_tensor_value_info("rgba", TensorProto.UINT8, [1, height, width, 4]),
            helper.make_tensor_value_info("next_state", TensorProto.FLOAT, state),
        ],
        [
            numpy_helper.from_array(np.array([3], np.int64), "last"),
            numpy_helper.from_array(np.array(1 / 510, np.float32), "fine"),
            numpy_helper.from_array(np.array(0.5, np.float32), "half"),
            numpy_helper.from_array(np.array(255, np.float32), "full"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if op == "Add":
        onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def label(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """uint8 (1, h, w, 3), random."""
    return np.random.default_rng(seed).integers(0, 256, (1, *size, 3), np.uint8)


def weights_elsewhere(place: str) -> bytes:
    """A model one of whose tensors lies in another file: an initializer, or deeper."""
    tensor = numpy_helper.from_array(np.ones(4, np.float32), "weight")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    model = onnx.load_from_string(fading_generator())
    graph = model.graph
    if place == "initializer":
        graph.initializer.append(tensor)
    elif place == "constant":
        graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    elif place == "branch":
        inner = helper.make_graph([], "inner", [], [], [tensor])
        graph.node.append(
            helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
        )
    elif place == "sparse":
        graph.sparse_initializer.add().values.CopyFrom(tensor)
    else:
        node = helper.make_node("Constant", [], ["c"], value=tensor)
        sets = [helper.make_opsetid("", 18)]
        model.functions.append(helper.make_function("own", "f", [], ["c"], [node], sets))
    return model.SerializeToString()
