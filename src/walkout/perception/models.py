"""Finding and opening the project's ONNX models."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from walkout.errors import UserError

SHOPPER_DETECTOR = "shopper_detector.onnx"
ARM_FINDER = "arm_finder.onnx"
PRODUCT_EMBEDDING = "product_embedding.onnx"


class ModelError(UserError):
    """A model cannot be used; the text names the file, what is wrong and what to do."""


def find_model(name: str) -> Path:
    """Return where the project keeps the model ``name``: ``models/`` of the checkout or ``share/walkout/models``.

    When it is in none of them, the first place is returned: the error of whoever opens it then names a sensible path.
    """
    parents = Path(__file__).resolve().parents
    places = [parents[3] / "models", *(parent / "share" / "walkout" / "models" for parent in parents)]
    return next((place / name for place in places if (place / name).is_file()), places[0] / name)


def open_session(path: Path, remedy: str, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a model on the CPU; ``remedy`` is the command that makes it anew.

    Threads never spin while they wait: many nodes share few cores. Raises ModelError.
    """
    if not path.is_file():
        raise ModelError(f"{path}: model file not found; run `{remedy}` or set the model's path")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions have no public common base
        reason = str(error).splitlines()[0][:160]
        raise ModelError(f"{path}: not a readable ONNX model ({reason}); run `{remedy}` to make it anew") from error
