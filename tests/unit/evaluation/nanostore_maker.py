"""Writes small recordings in the published NanoStore format, with wishes for what goes wrong in them."""

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

START = datetime(2020, 4, 22, 5, 6, 34, tzinfo=timezone.utc)
PITCH_M = 0.1016
SHELVES, PLATES = 2, 6


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Recording:
    """One gondola at the world's x axis, shelves at 0.5 and 1.2 m; people stand in front of it, at negative y."""

    seconds: float = 30.0
    yaw: float = 0.0
    moves: list[tuple[str, float, int, int, float]] = field(default_factory=list)
    people: dict[str, tuple[float, float]] = field(default_factory=dict)
    hidden: dict[str, tuple[float, float]] = field(default_factory=dict)
    planogram: list[tuple[str, int, list[int]]] = field(default_factory=list)
    products: list[dict] = field(default_factory=list)

    def move(self, shopper: str, at_s: float, shelf: int, plate: int, delta_g: float) -> None:
        """The shopper's hand is at this plate (shelf, plate from 1) at ``at_s``; the weight changes by ``delta_g``."""
        self.moves.append((shopper, at_s, shelf, plate, delta_g))

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        for name, rows in (
            ("plate_data.json", self._plates()),
            ("full_targets.json", self._targets()),
            ("planogram.json", self._planogram()),
            ("products.json", self.products),
        ):
            (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return folder

    def _world(self, x: float, y: float) -> tuple[float, float]:
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return cos * x - sin * y + 1.0, sin * x + cos * y + 2.0

    def _planogram(self) -> list[dict]:
        rows = []
        for sku, shelf, plates in self.planogram:
            x, y = self._world((plates[0] - 1) * PITCH_M, 0.0)
            transform = {
                "translation": {"x": x, "y": y, "z": (0.5, 1.2)[shelf - 1]},
                "rotation": {"z": self.yaw} if self.yaw else {},
            }
            size = {"dim_x": len(plates) * PITCH_M, "dim_y": 0.4, "dim_z": 0.3}
            ids = [
                {"shelf_id": {"gondola_id": {"id": 7}, "shelf_index": shelf}, "plate_index": plate} for plate in plates
            ]
            product = {"barcode_type": "UPC", "id": sku} if sku else {}
            place = {"transform": transform, **size}
            rows.append({"plate_ids": ids, "planogram_product_id": product, "global_coordinates": place})
        return rows

    def _plates(self) -> list[dict]:
        rng = np.random.default_rng(5)
        time_s = np.arange(int(self.seconds * 60)) / 60
        grams = np.full((len(time_s), SHELVES + 1, PLATES + 3), np.nan)
        grams[:, 1:, 1:] = rng.normal(0, 2000, (SHELVES, PLATES + 2)) + rng.normal(0, 0.8, (len(time_s), 2, PLATES + 2))
        for _, at_s, shelf, plate, delta in self.moves:
            push = (np.abs(time_s - at_s) < 0.5) * rng.normal(0, 60, len(time_s)).cumsum() * 0.1
            grams[:, shelf, plate] += push + (time_s >= at_s) * delta
        # The channels beyond the last plate repeat others.
        grams[:, :, PLATES + 1] = grams[:, :, PLATES]
        rows = []
        for start in range(0, len(time_s), 12):
            values = grams[start : start + 12].astype("<f4")
            data = base64.b64encode(values.tobytes()).decode()
            body = {
                "plate_id": {"shelf_id": {"gondola_id": {"id": 7}}},
                "freq_samp": 60.0,
                "values": {"data": data, "shape": list(values.shape), "type": "DATATYPE_FLOAT32"},
            }
            header = {"t_origin": stamp(time_s[start] + rng.uniform(-0.02, 0.02))}
            rows.append({"document": {"header": header, "plate_data": body}, "gondola_id": 7})
        return rows

    def _targets(self) -> list[dict]:
        rng = np.random.default_rng(6)
        rows = []
        for time_s in np.arange(0, self.seconds, 1 / 15):
            targets = [
                self._target(name, float(time_s), rng)
                for name, (from_s, to_s) in self.people.items()
                if from_s <= time_s < to_s and not self._hides(name, float(time_s))
            ]
            inner = {"targets": targets} if targets else {}
            rows.append({"document": {"header": {"t_origin": stamp(float(time_s))}, "targets": inner}})
        return rows

    def _hides(self, name: str, time_s: float) -> bool:
        from_s, to_s = self.hidden.get(name, (0.0, 0.0))
        return from_s <= time_s < to_s

    def _target(self, name: str, time_s: float, rng: np.random.Generator) -> dict:
        mine = [move for move in self.moves if move[0] == name]
        nearest = min(mine, key=lambda move: abs(move[1] - time_s), default=None)
        x = (nearest[3] - 0.5) * PITCH_M if nearest else 1.5 + 0.5 * len(name)
        reach = max(0.0, 1 - abs(nearest[1] - time_s)) if nearest else 0.0
        height = (0.6, 1.3)[nearest[2] - 1] if nearest else 1.0
        hand = (x, -0.35 + 0.45 * reach, 1.0 + (height - 1.0) * min(1.0, 2 * reach))
        joints = {
            "head": (x, -0.55, 1.7),
            "neck": (x, -0.55, 1.5),
            "l_shoulder": (x - 0.2, -0.55, 1.4),
            "r_shoulder": (x + 0.2, -0.55, 1.4),
            "r_elbow": (x + 0.1, -0.4 + 0.2 * reach, 1.2),
            "r_wrist": hand,
            "l_wrist": (x - 0.3, -0.5, 0.9),
        }
        target = {"target_id": {"id": name}, "target_state": "TARGETSTATE_VALID_ENTRANCE"}
        for joint, place in joints.items():
            if rng.random() < 0.15:
                continue
            point = self._inches(np.array(place) + rng.normal(0, 0.02, 3))
            target[joint] = {"point": point, "score": float(rng.uniform(0.6, 1))}
        target["hands"] = [target[wrist] for wrist in ("l_wrist", "r_wrist") if wrist in target]
        return target

    def _inches(self, place: np.ndarray) -> dict[str, float]:
        x, y = self._world(place[0], place[1])
        return {"x": x / 0.0254, "y": y / 0.0254, "z": place[2] / 0.0254}


def shop(**options: float) -> Recording:
    """A gondola with three products, one of unknown weight, and plates without any."""
    recording = Recording(**options)  # type: ignore[arg-type]
    recording.planogram = [("0001", 1, [1, 2]), ("0002", 1, [3, 4]), ("0003", 2, [1, 2, 3]), ("", 2, [4, 5, 6])]
    recording.products = [
        {"product_id": {"id": "0001"}, "metadata": {"name": "Water", "price": 1.5}},
        {"product_id": {"id": "0001"}, "metadata": {"name": "Water", "price": 1.5, "weight": 510.0}},
        {"product_id": {"id": "0002"}, "metadata": {"name": "Juice", "price": 2.0, "weight": 330.0, "weight_sd": 2.0}},
        {"product_id": {"id": "0004"}, "metadata": {"name": "Twin of juice", "weight": 331.0}},
        {"product_id": {"id": "0003"}, "metadata": {"name": "Tea"}},
    ]
    return recording
