"""The packed `.task`, read back with mediapipe's own schemas."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema
from mediapipe.tasks.metadata import schema_py_generated as schema

from live.pose.task_bundle import DETECTOR_NAME, LANDMARKS_NAME, pack_task, with_normalization
from live.pose.weights import PoseWeights


def _model(network: bytes) -> Any:
    return schema.Model.GetRootAs(network, 0)


def _metadata(model: Any) -> dict[bytes, int]:
    entries = [model.Metadata(index) for index in range(model.MetadataLength())]
    return {entry.Name(): entry.Buffer() for entry in entries}


def _normalization(network: bytes) -> tuple[float, float]:
    model = _model(network)
    stored = model.Buffers(_metadata(model)[b"TFLITE_METADATA"]).DataAsNumpy().tobytes()
    assert metadata_schema.ModelMetadata.ModelMetadataBufferHasIdentifier(stored, 0)
    metadata = metadata_schema.ModelMetadataT.InitFromObj(
        metadata_schema.ModelMetadata.GetRootAs(stored, 0)
    )
    tensor = metadata.subgraphMetadata[0].inputTensorMetadata[0]
    assert tensor.content.contentProperties.colorSpace == metadata_schema.ColorSpaceType.RGB
    options = tensor.processUnits[0].options
    return float(options.mean[0]), float(options.std[0])


def test_both_networks_say_how_their_input_is_normalized(pose_weights: PoseWeights) -> None:
    with zipfile.ZipFile(pose_weights.task) as archive:
        assert archive.namelist() == [DETECTOR_NAME, LANDMARKS_NAME]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert _normalization(archive.read(DETECTOR_NAME)) == (127.5, 127.5)
        assert _normalization(archive.read(LANDMARKS_NAME)) == (0.0, 255.0)


def test_nothing_else_of_the_network_changes(pose_weights: PoseWeights) -> None:
    before = pose_weights.detector.read_bytes()
    after = with_normalization(before, 127.5, 127.5)
    old, new = _model(before), _model(after)
    assert new.Version() == old.Version()
    assert new.BuffersLength() == old.BuffersLength() + 1
    for index in range(old.BuffersLength()):
        if old.Buffers(index).DataLength():
            data = new.Buffers(index).DataAsNumpy()
            assert (data == old.Buffers(index).DataAsNumpy()).all()
    assert new.MetadataLength() == len(_metadata(new))  # ours took the place of an older one
    ours = {b"TFLITE_METADATA": old.BuffersLength()}
    assert _metadata(new) == _metadata(old) | ours
    graphs = [schema.ModelT.InitFromObj(model).subgraphs[0] for model in (old, new)]
    assert len({len(graph.operators) for graph in graphs}) == 1
    assert [t.name for t in graphs[0].tensors] == [t.name for t in graphs[1].tensors]
    assert after.index(before) % 16 == 0  # the weights stand aligned, as they did


def test_equal_input_gives_equal_bytes(pose_weights: PoseWeights) -> None:
    networks = pose_weights.detector.read_bytes(), pose_weights.landmarks.read_bytes()
    packed = pack_task(*networks)
    assert packed == pack_task(*networks) == pose_weights.task.read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for info in archive.infolist():
            assert packed.index(archive.read(info)) % 16 == 0


@pytest.mark.parametrize("junk", [b"", b"TFL3", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_network_is_refused(junk: bytes) -> None:
    with pytest.raises(ValueError, match="not a TFLite file"):
        with_normalization(junk, 0.0, 1.0)
