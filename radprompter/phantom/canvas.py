"""A sheet of tissue to X-ray: shapes in millimetres, added up as attenuation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]
Points = Sequence[Point]
Pixels = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pose:
    """How the region lies before the detector; millimetres and degrees, before the shift."""

    rotation: float = 0.0
    scale: float = 1.0
    shift: Point = (0.0, 0.0)
    mirrored: bool = False
    centre: Point = (0.0, 0.0)  # the point of the region that is rotated about, and lies in the middle

    def apply(self, points: Points) -> list[Point]:
        """Where points of the region come to lie, in millimetres from the middle of the detector."""
        cosine, sine = math.cos(math.radians(self.rotation)), math.sin(math.radians(self.rotation))
        flip = -1.0 if self.mirrored else 1.0
        u, v = self.centre
        placed = ((flip * self.scale * (x - u), self.scale * (y - v)) for x, y in points)
        return [(cosine * x - sine * y + self.shift[0], sine * x + cosine * y + self.shift[1]) for x, y in placed]


def smooth(points: Points, *, steps: int = 2, closed: bool = True) -> list[Point]:
    """The outline with its corners cut (Chaikin)."""
    line = list(points)
    for _ in range(steps):
        pairs = list(zip(line, [*line[1:], line[0]] if closed else line[1:], strict=False))
        cut = [
            point
            for (x, y), (u, v) in pairs
            for point in ((0.75 * x + 0.25 * u, 0.75 * y + 0.25 * v), (0.25 * x + 0.75 * u, 0.25 * y + 0.75 * v))
        ]
        line = cut if closed else [line[0], *cut, line[-1]]
    return line


def moved(points: Points, *, by: Point = (0.0, 0.0), turn: float = 0.0, about: Point = (0.0, 0.0)) -> list[Point]:
    """Points turned by degrees about a point, then shifted."""
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return [
        (
            cosine * (x - about[0]) - sine * (y - about[1]) + about[0] + by[0],
            sine * (x - about[0]) + cosine * (y - about[1]) + about[1] + by[1],
        )
        for x, y in points
    ]


def cut(points: Points, start: Point, end: Point) -> tuple[list[Point], list[Point]]:
    """An outline cut along the line through two points: what lies to the right of it on the film, and to the left.

    Right and left as seen going from `start` to `end` with y pointing down (Sutherland and Hodgman, 1974).
    """
    (x0, y0), (x1, y1) = start, end

    def side(point: Point) -> float:
        return (x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0)

    def clip(sign: float) -> list[Point]:
        kept: list[Point] = []
        for here, after in zip(points, [*points[1:], points[0]], strict=True):
            a, b = sign * side(here), sign * side(after)
            if a >= 0:
                kept.append(here)
            if (a >= 0) != (b >= 0):
                t = a / (a - b)
                kept.append((here[0] + t * (after[0] - here[0]), here[1] + t * (after[1] - here[1])))
        return kept

    return clip(1.0), clip(-1.0)


def tube(path: Points, widths: Sequence[float]) -> list[Point]:
    """The outline of a tube along a path, with a width at each of its points."""
    right, left = [], []
    for i, (x, y) in enumerate(path):
        (x0, y0), (x1, y1) = path[max(i - 1, 0)], path[min(i + 1, len(path) - 1)]
        length = math.hypot(x1 - x0, y1 - y0)
        normal = (-(y1 - y0) / length * widths[i] / 2, (x1 - x0) / length * widths[i] / 2)
        right.append((x + normal[0], y + normal[1]))
        left.append((x - normal[0], y - normal[1]))
    return [*right, *reversed(left)]


class Canvas:
    """Attenuation on a pixel grid, float32 of shape ``(height, width)``, 0 for air.

    Parameters
    ----------
    width, height:
        Pixels.
    field:
        Width of the field of view in millimetres.
    pose:
        How the region lies in it.
    rng:
        Draws the bone's texture.
    """

    def __init__(self, width: int, height: int, *, field: float, pose: Pose, rng: np.random.Generator) -> None:
        self.width, self.height, self.pose = width, height, pose
        self.per_mm = width / field
        self.tissue: Pixels = np.zeros((height, width), np.float32)
        self.bones: Pixels = np.zeros((height, width), np.float32)
        self.lead: Pixels = np.zeros((height, width), np.float32)  # all that is metal
        coarse = rng.normal(size=(height // 3 + 1, width // 3 + 1)).astype(np.float32)
        grain = Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)
        self.texture: Pixels = 1.0 + 0.10 * np.asarray(grain, np.float32)
        self.mineral = 1.0  # calcium of the bones, lower in osteopenia

    @property
    def sheet(self) -> Pixels:
        """All attenuation together."""
        body: Pixels = np.maximum(self.tissue, 0) + np.maximum(self.bones, 0)
        return np.maximum(body, self.lead)

    def place(self, points: Points) -> list[Point]:
        """Millimetres of the region -> pixels."""
        return [
            (self.width / 2 + self.per_mm * x, self.height / 2 + self.per_mm * y) for x, y in self.pose.apply(points)
        ]

    def length(self, mm: float) -> float:
        """Millimetres -> pixels."""
        return mm * self.per_mm * self.pose.scale

    def mask(self, outlines: Sequence[Points], *, blur: float = 0.35, rounded: bool = True) -> Image.Image:
        """Filled outlines, 0 to 255, their edges blurred by a radius in millimetres."""
        sheet = Image.new("L", (2 * self.width, 2 * self.height))
        draw = ImageDraw.Draw(sheet)
        for outline in outlines:
            if len(outline) > 2:
                placed = self.place(smooth(outline) if rounded else outline)
                draw.polygon([(2 * x, 2 * y) for x, y in placed], fill=255)
        return sheet.reduce(2).filter(ImageFilter.GaussianBlur(max(0.3, self.length(blur))))

    def stroke_mask(self, paths: Sequence[Points], width: float, *, blur: float = 0.3) -> Image.Image:
        """Lines of a width in millimetres, 0 to 255."""
        sheet = Image.new("L", (2 * self.width, 2 * self.height))
        draw = ImageDraw.Draw(sheet)
        for path in paths:
            placed = [(2 * x, 2 * y) for x, y in self.place(path)]
            draw.line(placed, fill=255, width=max(1, round(2 * self.length(width))), joint="curve")
        return sheet.reduce(2).filter(ImageFilter.GaussianBlur(max(0.3, self.length(blur))))

    def soft(self, outline: Points, amount: float = 0.45, *, blur: float = 2.0, edge: float = 7.0) -> None:
        """Soft tissue: thinner towards its outline, `edge` millimetres deep."""
        mask = self.mask([outline], blur=blur)
        deep = mask.filter(ImageFilter.GaussianBlur(self.length(edge)))
        self.tissue += amount * as_share(mask) * (0.35 + 0.65 * as_share(deep))

    def bone(self, *outlines: Points, amount: float = 1.0, cortex: float = 1.0, wall: float = 2.2) -> None:
        """A bone, in one or more pieces: a dense cortex `wall` millimetres thick about a spongy middle."""
        mask = self.mask(outlines)
        inner = mask.filter(ImageFilter.GaussianBlur(self.length(wall)))
        solid, depth = as_share(mask), as_share(inner)
        shell = solid * np.clip(1.35 - depth, 0.0, 1.0)
        spongy = 0.28 * solid * depth * self.texture * self.mineral
        self.bones += amount * (spongy + 0.85 * cortex * (0.3 + 0.7 * self.mineral) * shell * solid)

    def blob(self, outline: Points, amount: float, *, blur: float = 0.6) -> None:
        """Something of bone or calcium; with a negative amount, something lacking in the bone."""
        self.bones += amount * as_share(self.mask([outline], blur=blur))

    def shade(self, outline: Points, amount: float, *, blur: float = 1.0, rounded: bool = True) -> None:
        """Something in the soft tissues that is denser (or, with a negative amount, less dense) than they are."""
        self.tissue += amount * as_share(self.mask([outline], blur=blur, rounded=rounded))

    def strands(self, paths: Sequence[Points], width: float, amount: float) -> None:
        """Lines in the soft tissues that are denser than they are, such as vessels."""
        self.tissue += amount * as_share(self.stroke_mask(paths, width, blur=1.0))

    def ribs(self, paths: Sequence[Points], width: float, amount: float) -> None:
        """Flat bones along paths, their edges a little denser than the middle."""
        lines = [smooth(path, closed=False) for path in paths]
        outer, inner = self.stroke_mask(lines, width, blur=0.8), self.stroke_mask(lines, 0.55 * width, blur=0.8)
        self.bones += amount * (as_share(outer) - 0.35 * as_share(inner))

    def line(self, path: Points, width: float, amount: float, *, blur: float = 0.3) -> None:
        """A line that is denser, or less dense, than the bone."""
        self.bones += amount * as_share(self.stroke_mask([path], width, blur=blur))

    def gap(self, path: Points, width: float = 2.0, *, depth: float = 0.8) -> None:
        """A fracture line: takes a share `depth` of the bone that is drawn so far."""
        self.bones *= 1.0 - depth * as_share(self.stroke_mask([path], width))

    def metal(self, path: Points, width: float) -> None:
        """An implant along a path: nearly all is absorbed."""
        self.lead = np.maximum(self.lead, 2.6 * as_share(self.stroke_mask([path], width, blur=0.15)))

    def plate(self, outline: Points) -> None:
        """A metal box."""
        self.lead = np.maximum(self.lead, 2.4 * as_share(self.mask([outline], blur=0.3)))

    def disc(self, centre: Point, radius: float, amount: float, *, blur: float = 0.4) -> None:
        """A round blob."""
        self.blob(circle(centre, radius), amount, blur=blur)

    def marker(self, letter: str, corner: Point) -> None:
        """A side marker of lead, its top left corner at a share of width and height; it is not turned with the pose."""
        strokes: dict[str, list[Points]] = {
            "L": [((0, 0), (0, 2), (1.2, 2))],
            "R": [((0, 2), (0, 0), (1.1, 0), (1.1, 1), (0, 1), (1.2, 2))],
        }
        unit = 0.025 * min(self.width, self.height)
        sheet = Image.new("L", (self.width, self.height))
        for path in strokes.get(letter, []):
            points = [(corner[0] * self.width + unit * x, corner[1] * self.height + unit * y) for x, y in path]
            ImageDraw.Draw(sheet).line(points, fill=255, width=max(1, round(0.45 * unit)))
        self.lead = np.maximum(self.lead, 2.2 * as_share(sheet))


def circle(centre: Point, radius: float, *, stretch: float = 1.0, n: int = 16) -> list[Point]:
    """A circle, or an ellipse of height `stretch` times its width."""
    return [
        (
            centre[0] + radius * math.cos(2 * math.pi * i / n),
            centre[1] + radius * stretch * math.sin(2 * math.pi * i / n),
        )
        for i in range(n)
    ]


def as_share(mask: Image.Image) -> Pixels:
    """A mask of 0 to 255 as float32 of 0 to 1."""
    return np.asarray(mask, np.float32) / 255.0
