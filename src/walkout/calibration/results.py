"""What every calibration leaves: pictures and YAML in a folder, and ``store.yaml`` changed when that is wanted."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.calibration.store_file import fragment, write_calibration
from walkout.store.documents import display_path
from walkout.store.loader import STORE_FILE
from walkout.store.model import Camera, Store


def output_folder(store: Store, given: Path | None) -> Path:
    """Return the folder for the results, made when it is not there."""
    folder = given or Path(f"calibration_{store.store_id}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def finish(
    store: Store,
    cameras: Sequence[Camera],
    keys: Sequence[str],
    folder: Path,
    drawn: Mapping[str, NDArray[np.uint8]],
    options: argparse.Namespace,
) -> int:
    """Print the fragment and write everything; return the exit code."""
    text = fragment(cameras, keys)
    for name, image in drawn.items():
        (folder / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
    name = f"{'_'.join(camera.camera_id for camera in cameras) if len(cameras) == 1 else 'cameras'}_{keys[0]}.yaml"
    (folder / name).write_text(text, encoding="utf-8")
    print()
    print(text, end="")
    print()
    print(f"written to {display_path(folder)}: {', '.join([name, *drawn])}")
    store_file = Path(store.directory) / STORE_FILE
    if options.write:
        write_calibration(store_file, cameras, keys)
        print(f"{display_path(store_file)}: {len(cameras)} camera{'' if len(cameras) == 1 else 's'} changed")
    else:
        print(f"{display_path(store_file)} is unchanged; --write puts the values there")
    return 0
