"""Label pictures for a catalogue without photographs: drawn from the product's own words, the same on every machine.

Brand and family choose the layout, the base colour and the ornament; the flavour (the words by which the members of a
family differ) chooses the accent colour. So the variants of a family look alike but for colour and flavour word, as on
real shelves. Fonts: Pillow's built-in scalable one.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from walkout.store.model import Product

SIZE = 192
_SCALE = 3
_CANVAS = SIZE * _SCALE
_COLOURS = 48
_DISTINCT = 90

Rgb = tuple[int, int, int]

FLAVOUR_HUES: dict[str, tuple[float, float, float]] = {
    word: hls
    for hls, words in {
        (0.97, 0.48, 0.80): "strawberry cherry rose raspberry tomato salsa kidney",
        (0.00, 0.46, 0.82): "original",
        (0.60, 0.52, 0.75): "classic still",
        (0.05, 0.52, 0.90): "paprika chilli arrabbiata peach apricot bbq berry cranberry tropical",
        (0.09, 0.52, 0.95): "orange mango cheese cashews honey egg pils bears curry",
        (0.14, 0.52, 0.95): "lemon banana butter vanilla salt salted sweet natural blossom",
        (0.26, 0.42, 0.65): "lime apple green basil olive herbal aloe veggie woodruff pea greek rosemary sours melon",
        (0.42, 0.42, 0.65): "mint eucalyptus sensitive coconut sesame balm jasmine forest",
        (0.56, 0.45, 0.80): "white medium tuna sea zero sugarfree vinegar farfalle cola",
        (0.63, 0.42, 0.65): "blueberry wholegrain cream natur alkoholfrei earl decaf pasta mix",
        (0.78, 0.46, 0.50): "lavender elderflower fruit grape lentil",
        (0.07, 0.30, 0.60): "chocolate choco dark hazelnut coffee peanut peanuts nut strong beans rooibos",
        (0.10, 0.58, 0.50): "almond oat camomile mild milk weizen chicken ham",
    }.items()
    for word in words.split()
}
"""Hue, lightness and saturation that shoppers expect of a flavour word; others get a colour of their own."""


@dataclass(frozen=True)
class Label:
    """The words and colours of a label; ``seed``, which a family shares, chooses layout and ornament."""

    brand: str
    line: str
    flavour: str
    amount: str
    base: Rgb
    accent: Rgb
    paper: Rgb
    ink: Rgb
    seed: int


def make_labels(products: Iterable[Product]) -> list[Label]:
    """Return the label of each product, in order; the products of a family share everything but the flavour."""
    listed = list(products)
    families: dict[str, list[Product]] = {}
    for product in listed:
        families.setdefault(product.family or product.sku, []).append(product)
    labels = {sku: label for family in families.values() for sku, label in _family_labels(family)}
    return [labels[product.sku] for product in listed]


def draw_label(label: Label) -> Image.Image:
    """Return the picture of a label: SIZE x SIZE pixels with a palette of few colours."""
    image = Image.new("RGB", (_CANVAS, _CANVAS), label.paper)
    layout = _LAYOUTS[label.seed % len(_LAYOUTS)]
    layout(ImageDraw.Draw(image), label)
    small = image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    return small.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def encode_label(label: Label) -> bytes:
    """Return the picture of a label as PNG."""
    buffer = io.BytesIO()
    draw_label(label).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def write_labels(products: Iterable[Product], directory: Path, names: Iterable[str]) -> list[Path]:
    """Draw the labels of products whose image path is among ``names``; return the files, relative to ``directory``."""
    listed, wanted = list(products), set(names)
    written = []
    for product, label in zip(listed, make_labels(listed), strict=True):
        if product.image not in wanted:
            continue
        path = directory / product.image
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_label(label))
        written.append(path)
    return written


def split_name(name: str, siblings: Iterable[str]) -> tuple[str, str, str]:
    """Split a product's name into line, flavour and amount: ``Cola Zero 330 ml`` → ``Cola``, ``Zero``, ``330 ml``.

    The amount begins at the first word with a digit. The flavour are the words that not all siblings' names share.
    """
    words, amount = _split_amount(name)
    others = [_split_amount(sibling)[0] for sibling in siblings if sibling != name]
    if not others:
        return " ".join(words), "", amount
    shared = [word for word in words if all(word in other for other in others)]
    flavour = [word for word in words if word not in shared]
    return " ".join(shared), " ".join(flavour), amount


def _split_amount(name: str) -> tuple[list[str], str]:
    words = name.split()
    first = next((i for i, word in enumerate(words) if any(c.isdigit() for c in word)), len(words))
    return words[:first] or words, " ".join(words[first:]) if first else ""


def _family_labels(family: list[Product]) -> Iterable[tuple[str, Label]]:
    """Yield the SKU and the label of each member of a family, no two with accents that are hard to tell apart."""
    first = family[0]
    seed = _hash(f"{first.brand}/{first.family or first.sku}")
    hue = (_hash(first.brand or first.category) % 360) / 360
    base = _rgb(hue, 0.28 + (seed // 7 % 4) * 0.06, 0.55 + (seed // 31 % 3) * 0.15)
    dark = seed // 3 % 4 == 0
    paper = _rgb(hue, 0.16, 0.5) if dark else _rgb((seed % 97) / 97, 0.93, 0.45)
    ink = (250, 248, 240) if dark else (28, 26, 32)
    names = [member.name for member in family]
    taken: list[Rgb] = []
    for member in family:
        line, flavour, amount = split_name(member.name, names)
        accent = _free_accent(flavour, seed, taken)
        taken.append(accent)
        yield member.sku, Label(member.brand, line, flavour, amount, base, accent, paper, ink, seed)


def _free_accent(flavour: str, seed: int, taken: list[Rgb]) -> Rgb:
    """Return the flavour's colour or, when a sibling has it, the nearest of its shades that is free."""
    hue, lightness, saturation = _flavour_colour(flavour, seed)
    shades = [(0.0, 0.0), (0.0, -0.2), (-0.07, -0.02), (0.07, 0.05), (-0.07, -0.2), (0.15, 0.0), (0.5, 0.0)]
    candidates = [_rgb(hue + turn, lightness + step, saturation) for turn, step in shades]
    for candidate in candidates:
        if all(math.dist(candidate, other) > _DISTINCT for other in taken):
            return candidate
    return candidates[len(taken) % len(candidates)]


def _flavour_colour(flavour: str, seed: int) -> tuple[float, float, float]:
    for word in flavour.lower().split():
        if word in FLAVOUR_HUES:
            return FLAVOUR_HUES[word]
    return (_hash(flavour or str(seed)) % 360) / 360, 0.48, 0.7


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def _rgb(hue: float, lightness: float, saturation: float) -> Rgb:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _readable_on(colour: Rgb) -> Rgb:
    luminance = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return (24, 22, 28) if luminance > 150 else (252, 250, 244)


def _text(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], text: str, box: tuple[float, float], fill: Rgb
) -> None:
    """Write text, as large as fits into box (width, height), in shares of the label; long text on two lines."""
    if not text:
        return
    width, height = box[0] * _CANVAS, box[1] * _CANVAS
    x, y = centre[0] * _CANVAS, centre[1] * _CANVAS
    candidates = [text]
    words = text.split()
    if len(words) > 1:
        cut = min(range(1, len(words)), key=lambda i: abs(len(" ".join(words[:i])) - len(text) / 2))
        candidates.append(" ".join(words[:cut]) + "\n" + " ".join(words[cut:]))
    best_size, best = max((_fitting_size(draw, candidate, width, height), candidate) for candidate in candidates)
    font = ImageFont.load_default(best_size)
    draw.multiline_text(
        (x, y), best, fill=fill, font=font, anchor="mm", align="center", spacing=2, stroke_width=1, stroke_fill=fill
    )


def _fitting_size(draw: ImageDraw.ImageDraw, text: str, width: float, height: float) -> int:
    """Return the greatest font size at which the text fits; text grows in proportion to the size."""
    left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font=ImageFont.load_default(100), spacing=2)
    return max(8, int(100 * min(width / (right - left), height / (bottom - top))))


def _box(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    return x0 * _CANVAS, y0 * _CANVAS, x1 * _CANVAS, y1 * _CANVAS


def _points(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _CANVAS, y * _CANVAS) for x, y in points]


def _ornament(draw: ImageDraw.ImageDraw, label: Label, centre: tuple[float, float], radius: float) -> None:
    """Draw the family's ornament in the accent colour: one of six simple figures."""
    x, y = centre
    accent, light = label.accent, _mix(label.accent, (255, 255, 255), 0.45)
    kind = label.seed // 11 % 6
    if kind == 0:
        for i, colour in enumerate((accent, light, accent)):
            r = radius * (1 - 0.3 * i)
            draw.ellipse(_box(x - r, y - r, x + r, y + r), fill=colour)
    elif kind == 1:
        _star(draw, centre, radius, 5 + label.seed // 5 % 5, accent)
        _star(draw, centre, radius * 0.5, 5 + label.seed // 5 % 5, light)
    elif kind == 2:
        for angle in range(0, 360, 60):
            cx, cy = (
                x + 0.55 * radius * math.cos(math.radians(angle)),
                y + 0.55 * radius * math.sin(math.radians(angle)),
            )
            draw.ellipse(_box(cx - radius * 0.4, cy - radius * 0.4, cx + radius * 0.4, cy + radius * 0.4), fill=accent)
        draw.ellipse(_box(x - radius * 0.32, y - radius * 0.32, x + radius * 0.32, y + radius * 0.32), fill=light)
    elif kind == 3:
        for i in range(3):
            top = y - radius + i * radius * 0.62
            colour = accent if i % 2 == 0 else light
            draw.rounded_rectangle(_box(x - radius, top, x + radius, top + radius * 0.45), _CANVAS * 0.02, fill=colour)
    elif kind == 4:
        draw.polygon(_points([(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]), fill=accent)
        r = radius * 0.5
        draw.polygon(_points([(x, y - r), (x + r, y), (x, y + r), (x - r, y)]), fill=light)
    else:
        draw.pieslice(_box(x - radius, y - radius, x + radius, y + radius), 200, 340, fill=accent)
        draw.pieslice(_box(x - radius, y - radius * 0.5, x + radius, y + radius * 1.5), 20, 160, fill=light)


def _star(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, rays: int, fill: Rgb) -> None:
    corners = []
    for i in range(2 * rays):
        r = radius if i % 2 == 0 else radius * 0.55
        angle = math.pi * i / rays - math.pi / 2
        corners.append((centre[0] + r * math.cos(angle), centre[1] + r * math.sin(angle)))
    draw.polygon(_points(corners), fill=fill)


def _layout_band(draw: ImageDraw.ImageDraw, label: Label) -> None:
    """Brand on a band at the top, ornament in the middle, flavour on a band at the bottom."""
    draw.rectangle(_box(0, 0, 1, 0.24), fill=label.base)
    draw.rectangle(_box(0, 0.74, 1, 1), fill=label.accent)
    _text(draw, (0.5, 0.12), label.brand, (0.88, 0.15), _readable_on(label.base))
    _ornament(draw, label, (0.2, 0.49), 0.15)
    _text(draw, (0.67, 0.46), label.line, (0.56, 0.26), label.ink)
    _text(draw, (0.67, 0.67), label.amount, (0.4, 0.06), label.ink)
    _text(draw, (0.5, 0.87), label.flavour or label.line, (0.9, 0.16), _readable_on(label.accent))


def _layout_diagonal(draw: ImageDraw.ImageDraw, label: Label) -> None:
    """A slanted field of the accent colour below, the brand large above."""
    draw.polygon(_points([(0, 0.62), (1, 0.42), (1, 1), (0, 1)]), fill=label.accent)
    draw.polygon(_points([(0, 0.56), (1, 0.36), (1, 0.42), (0, 0.62)]), fill=label.base)
    _text(draw, (0.39, 0.14), label.brand, (0.7, 0.16), label.base if label.ink[0] < 128 else label.ink)
    _text(draw, (0.36, 0.34), label.line, (0.62, 0.15), label.ink)
    _ornament(draw, label, (0.87, 0.15), 0.1)
    _text(draw, (0.5, 0.75), label.flavour or label.line, (0.88, 0.2), _readable_on(label.accent))
    _text(draw, (0.8, 0.93), label.amount, (0.32, 0.07), _readable_on(label.accent))


def _layout_badge(draw: ImageDraw.ImageDraw, label: Label) -> None:
    """A round badge with the brand on a field of the base colour."""
    draw.rectangle(_box(0, 0, 1, 1), fill=label.base)
    draw.ellipse(_box(0.08, 0.03, 0.92, 0.62), fill=label.paper)
    draw.ellipse(_box(0.11, 0.055, 0.89, 0.595), outline=label.accent, width=_CANVAS // 60)
    _text(draw, (0.5, 0.22), label.brand, (0.6, 0.16), label.ink)
    _text(draw, (0.5, 0.42), label.line, (0.6, 0.16), label.ink)
    draw.rounded_rectangle(_box(0.06, 0.67, 0.94, 0.87), _CANVAS * 0.05, fill=label.accent)
    _text(draw, (0.5, 0.77), label.flavour or label.amount, (0.8, 0.15), _readable_on(label.accent))
    _text(draw, (0.5, 0.935), label.amount, (0.5, 0.065), _readable_on(label.base))


def _layout_column(draw: ImageDraw.ImageDraw, label: Label) -> None:
    """A column of the accent colour with the ornament on the left, words on the right."""
    draw.rectangle(_box(0, 0, 0.3, 1), fill=label.accent)
    draw.rectangle(_box(0.3, 0, 0.34, 1), fill=label.base)
    inverted = Label(**{**vars(label), "accent": _readable_on(label.accent)})
    for y in (0.2, 0.5, 0.8):
        _ornament(draw, inverted, (0.15, y), 0.1)
    _text(draw, (0.67, 0.17), label.brand, (0.58, 0.17), label.base if label.ink[0] < 128 else label.ink)
    _text(draw, (0.67, 0.43), label.line, (0.58, 0.24), label.ink)
    draw.rounded_rectangle(_box(0.38, 0.6, 0.97, 0.82), _CANVAS * 0.03, fill=label.accent)
    _text(draw, (0.675, 0.71), label.flavour or label.line, (0.53, 0.15), _readable_on(label.accent))
    _text(draw, (0.67, 0.91), label.amount, (0.4, 0.075), label.ink)


def _layout_sunburst(draw: ImageDraw.ImageDraw, label: Label) -> None:
    """Rays from the middle, the words on a plate across it."""
    pale = _mix(label.accent, (255, 255, 255), 0.35)
    draw.rectangle(_box(0, 0, 1, 1), fill=pale)
    for i in range(12):
        one, other = math.radians(30 * i), math.radians(30 * i + 15)
        ray = [(0.5, 0.5), (0.5 + math.cos(one), 0.5 + math.sin(one)), (0.5 + math.cos(other), 0.5 + math.sin(other))]
        draw.polygon(_points(ray), fill=label.accent)
    draw.rounded_rectangle(_box(0.06, 0.06, 0.94, 0.3), _CANVAS * 0.04, fill=label.base)
    _text(draw, (0.5, 0.18), label.brand, (0.78, 0.17), _readable_on(label.base))
    draw.rounded_rectangle(_box(0.06, 0.36, 0.94, 0.9), _CANVAS * 0.04, fill=label.paper)
    _text(draw, (0.5, 0.49), label.line, (0.78, 0.19), label.ink)
    _text(draw, (0.5, 0.69), label.flavour, (0.78, 0.15), _strong(label))
    _text(draw, (0.5, 0.84), label.amount, (0.5, 0.065), label.ink)


def _layout_stripes(draw: ImageDraw.ImageDraw, label: Label) -> None:
    """Upright stripes behind an oval with the words."""
    for i in range(7):
        colour = label.accent if i % 2 == 0 else _mix(label.accent, (255, 255, 255), 0.75)
        draw.rectangle(_box(i / 7, 0, (i + 1) / 7, 1), fill=colour)
    draw.rectangle(_box(0, 0.76, 1, 1), fill=label.base)
    draw.rounded_rectangle(_box(0.07, 0.07, 0.93, 0.7), _CANVAS * 0.14, fill=label.paper)
    _text(draw, (0.5, 0.2), label.brand, (0.66, 0.14), label.base if label.ink[0] < 128 else label.ink)
    _text(draw, (0.5, 0.41), label.line, (0.74, 0.2), label.ink)
    _text(draw, (0.5, 0.61), label.amount, (0.46, 0.07), label.ink)
    _text(draw, (0.5, 0.88), label.flavour or label.line, (0.86, 0.15), _readable_on(label.base))


def _strong(label: Label) -> Rgb:
    """Return the accent colour, made dark or light enough to be read on the label's paper."""
    return _mix(label.accent, label.ink, 0.35)


_LAYOUTS: tuple[Callable[[ImageDraw.ImageDraw, Label], None], ...] = (
    _layout_band,
    _layout_diagonal,
    _layout_badge,
    _layout_column,
    _layout_sunburst,
    _layout_stripes,
)
