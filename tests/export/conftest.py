"""The same small dataset and run that training's tests use."""

from tests.training.conftest import tiny_data, tiny_dataset, tiny_run

__all__ = ["tiny_data", "tiny_dataset", "tiny_run"]
