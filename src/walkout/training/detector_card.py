"""The card of the shopper detector: what it is, what it was trained on, how good it is and where it is weak."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx

from walkout.perception.types import Keypoint
from walkout.training.detector_metrics import PCK_PIXELS, DetectorScore

_CARD = """\
# Shopper detector

`{name}` finds shoppers in one picture of a ceiling camera: box, 12 joints with confidence.
Made by `walkout train detector`; this card is written by the same command.

| | |
|---|---|
| input | `image` uint8 [1, 240, 320, 3] BGR; `walkout.perception.detector` scales pictures of any size to it |
| outputs, stride 8 | `centre`, `visible` probabilities; `box`, `joints` pixels from the cell's centre |
| outputs, stride 4 | `heat` probability of each joint |
| network | plain ReLU residual network, {parameters:,} parameters, fp32, {megabytes:.1f} MB |
| trained on | {history} |
| licence | Apache-2.0, as the project; the pictures show generated people and labels only |
| SHA-256 | `{checksum}` |

Training pictures: random floor plans, fixtures, ceiling cameras (2.35-3.0 m high, 20-70 degrees down, 68-102 degrees
wide, some with lens distortion), 0-8 people who walk, stand, crowd, reach into shelves and carry things, random
clothes, light, colour, blur and noise.

## Figures

On {pictures} pictures of the `corner` store's own cameras with random crowds. Neither this layout nor these cameras
occur in training; the products' labels and the kinds of bodies do. {shoppers} shoppers of whom at least a fifth is
to be seen. Pixels are those of the 320x240 input: double them for 640x480.

| | |
|---|---|
| average precision at IoU 0.5 / 0.75 | {ap50:.3f} / {ap75:.3f} |
| precision / recall at the default threshold | {precision:.3f} / {recall:.3f} |
| wrist, seen: median error | {wrist:.1f} px |
| wrist, seen: share within {pck:.0f} px | {wrist_pck:.2f} |
| wrist of an outstretched arm, seen: median error | {stretched:.1f} px |
| wrist of an outstretched arm, seen: share within {pck:.0f} px | {stretched_pck:.2f} |
| wrist, seen, of either side: median error | {either:.1f} px |
| wrist, seen, of either side: share within {pck:.0f} px | {either_pck:.2f} |
| the same with confidence at least 0.5: share of the seen | {sure_share:.2f} |
| the same with confidence at least 0.5: median error, 90th percentile | {sure:.1f} px, {sure_p90:.1f} px |
| wrist, hidden: median error | {hidden:.1f} px |
| CPU time of one `detect` at 640x480, one thread | {speed:.1f} ms |

| joint | median error (px) | within {pck:.0f} px |
|---|---|---|
{joints}

## Limits

- Simulated people only: nobody has yet measured it on real cameras.
- A box surrounds the whole body as far as it lies in the picture, hidden parts included; those are guesses.
- Hidden wrists are inferred from the body; their confidence says so.
- Left and right can be confused when someone is seen from straight above.
- Cameras lower than 2 m, fisheye lenses and people lying on the floor were not trained.
"""


def model_notes(model_path: Path) -> dict[str, str]:
    """Return what the export noted in the file: ``history`` (a line per training) and ``parameters``."""
    model = onnx.load(str(model_path))
    return {entry.key.removeprefix("walkout."): entry.value for entry in model.metadata_props}


def write_card(model_path: Path, score: DetectorScore, speed_ms: float) -> Path:
    """Write ``<model>.md`` beside the model and return its path."""
    notes = model_notes(model_path)
    joints = "\n".join(
        f"| {joint.name.lower().replace('_', ' ')} | {score.joint_error[joint]:.1f} | {score.joint_pck[joint]:.2f} |"
        for joint in Keypoint
    )
    content = model_path.read_bytes()
    card = _CARD.format(
        name=model_path.name,
        parameters=int(notes["parameters"]),
        megabytes=len(content) / 1e6,
        history="; then ".join(notes["history"].splitlines()),
        checksum=hashlib.sha256(content).hexdigest(),
        pictures=score.pictures,
        shoppers=score.shoppers,
        ap50=score.ap50,
        ap75=score.ap75,
        precision=score.precision,
        recall=score.recall,
        pck=PCK_PIXELS,
        wrist=score.wrist_error,
        wrist_pck=score.wrist_pck,
        either=score.wrist_either_error,
        either_pck=score.wrist_either_pck,
        stretched=score.stretched_error,
        stretched_pck=score.stretched_pck,
        sure=score.wrist_confident_error,
        sure_p90=score.wrist_confident_p90,
        sure_share=score.wrist_confident_share,
        hidden=score.hidden_wrist_error,
        speed=speed_ms,
        joints=joints,
    )
    path = model_path.with_suffix(".md")
    path.write_text(card)
    return path
