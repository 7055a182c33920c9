"""The chest from in front, in millimetres about its middle; the patient's right is negative x."""

from __future__ import annotations

import numpy as np

from radprompter.phantom.canvas import Canvas, Point, Points, circle, moved, smooth, tube
from radprompter.phantom.cases import Case
from radprompter.phantom.scanners import Film

FILMS = {"frontal": Film(350.0, squareness=0.6, tilt=2.5)}

LUNG: Points = [(-30, -150), (-52, -160), (-78, -146), (-104, -100), (-124, -30), (-132, 50), (-134, 104), (-122, 104),
                (-96, 84), (-66, 76), (-36, 84), (-24, 60), (-26, -20), (-22, -100)]  # fmt: skip
"""The patient's right lung; the left one is its mirror image."""


def draw_chest(canvas: Canvas, case: Case, view: str, rng: np.random.Generator) -> None:
    """Add a chest with the case's findings to the canvas."""
    found = frozenset(case.present)
    severity = float(rng.uniform(0.8, 1.2))
    canvas.soft([(-160, -230), (-60, -230), (-46, -190), (46, -190), (60, -230), (160, -230), (172, -120), (160, 0),
                 (158, 230), (-158, 230), (-160, 0), (-172, -120)], 1.0, blur=3.0, edge=12.0)  # fmt: skip
    for side in (1, -1):
        canvas.shade(_on(side, LUNG), -0.66, blur=2.5)
    _mediastinum(canvas, found, severity)
    _vessels(canvas, rng)
    _lungs(canvas, found, severity, rng)
    _bones(canvas, found, rng)
    if "support_devices" in found:
        _devices(canvas, rng)


def _on(side: int, points: Points) -> list[Point]:
    """Points of the patient's right (1), or mirrored to the left (-1)."""
    return [(side * x, y) for x, y in points]


def _mediastinum(canvas: Canvas, found: frozenset[str], severity: float) -> None:
    wide = 1.0 + 1.0 * severity if "enlarged_cardiomediastinum" in found else 1.0
    big = 1.0 + 0.42 * severity if "cardiomegaly" in found else 1.0
    canvas.shade([(-16 * wide, -170), (16 * wide, -170), (28 * wide, -100), (33 * wide, -78), (24, -30), (-24, -30),
                  (-24 * wide, -80), (-22 * wide, -110)], 0.55, blur=2.0)  # fmt: skip
    heart: Points = [(-20, -40), (10, -46), (26, -36), (44, -4), (70, 44), (76, 70), (64, 92), (10, 100), (-34, 92),
                     (-44, 62), (-42, 10)]  # fmt: skip
    canvas.shade([(x * big, y if y > 60 else 60 + (y - 60) * (1 + (big - 1) / 2)) for x, y in heart], 0.58, blur=2.5)


def _vessels(canvas: Canvas, rng: np.random.Generator) -> None:
    branches = []
    for side in (1, -1):
        canvas.shade(circle((side * -40, -14), 15, stretch=1.5), 0.22, blur=5)
        for angle in np.linspace(-1.25, 1.25, 7) + rng.normal(0, 0.08, 7):
            reach = 55 + 20 * rng.random()
            x, y = -40 - reach * np.cos(angle), -14 + 1.35 * reach * np.sin(angle)
            bend = (-40 + 0.5 * (x + 40), -14 + 0.5 * (y + 14) + rng.normal(0, 6))
            branches.append(_on(side, [(-40, -14), bend, (float(x), float(y))]))
    canvas.strands(branches, 4.0, 0.14)


def _lungs(canvas: Canvas, found: frozenset[str], severity: float, rng: np.random.Generator) -> None:
    if "edema" in found:
        for side in (1, -1):
            canvas.shade(circle((side * -64, -8), 36, stretch=1.5), 0.60 * severity, blur=14)
            canvas.strands([_on(side, [(-130, y), (-106, y + 2)]) for y in (30, 42, 54, 66)], 2.6, 0.25)
    if "lung_opacity" in found:
        for x, y in ((-84, -50), (-70, 26), (86, -36), (74, 30), (-98, -4), (98, 4)):
            spot = circle((x + rng.normal(0, 7), y + rng.normal(0, 7)), 19 * severity)
            canvas.shade(spot, 0.46, blur=4)
    side = 1 if rng.random() < 0.5 else -1
    if "consolidation" in found:
        lobe = [(-42, 8), (-128, 2), (-130, 66), (-112, 88), (-66, 74), (-40, 80)]
        canvas.shade(_on(side, lobe), 0.80 * severity, blur=3)
    if "lung_lesion" in found:
        where = (side * (68 + 22 * rng.random()), -96 + 50 * rng.random())
        canvas.shade(circle(where, 21 * severity), 0.95, blur=1.5)
    if "atelectasis" in found:
        for here in (1, -1):
            bands = [_on(here, [(-116, y + 8), (-52, y - 6)]) for y in (48, 62)]
            canvas.strands(bands, 9.0 * severity, 0.55)
    if "pleural_effusion" in found:
        for here in (side, -side)[: 1 + int(rng.random() < 0.4)]:
            meniscus = [(-132, 18), (-128, 36), (-104, 52), (-60, 58), (-30, 60), (-32, 86), (-66, 78), (-96, 86),
                        (-122, 106), (-134, 106)]  # fmt: skip
            canvas.shade(_on(here, [(x, y + 8 * (1 - severity)) for x, y in meniscus]), 0.90, blur=2.5)
    if "pneumothorax" in found:
        _pneumothorax(canvas, -side, severity)


def _pneumothorax(canvas: Canvas, side: int, severity: float) -> None:
    """Air around a lung that has fallen in: black outside its edge, and the edge is a line."""
    edge = smooth([(-32, -104), (-64, -112), (-82, -70), (-92, -10), (-96, 50), (-84, 82)], closed=False)
    inward = 8 * (severity - 1)
    edge = [(x + inward, y) for x, y in edge]
    rim = [(-22, -150), (-52, -160), (-78, -146), (-104, -100), (-124, -30), (-132, 50), (-132, 100), (-100, 90)]
    canvas.shade(_on(side, [*rim, *reversed(edge)]), -0.22, blur=1.2, rounded=False)
    canvas.strands([_on(side, edge)], 3.0, 0.45)
    canvas.shade(_on(side, [*edge, (-34, 80), (-28, -90)]), 0.12, blur=3)


def _bones(canvas: Canvas, found: frozenset[str], rng: np.random.Generator) -> None:
    canvas.bone([(-15, -240), (15, -240), (17, 240), (-17, 240)], amount=0.35, wall=5)
    broken = 1 if rng.random() < 0.5 else -1
    behind, before = [], []
    for side in (1, -1):
        for n in range(9):
            y, out = -140 + 25 * n, 80 + 34 * (1 - np.exp(-n / 2.2)) + 3.4 * n
            rib: Points = [(-16, y), (-0.5 * out, y - 7), (-0.9 * out, y + 12), (-out, y + 34)]
            if "rib_fracture" in found and side == broken and n in (2, 3, 4, 5):
                behind += [_on(side, piece) for piece in _broken(canvas, side, rib)]
            else:
                behind.append(_on(side, rib))
            before.append(_on(side, [(-out, y + 34), (-0.92 * out, y + 54), (-0.7 * out, y + 70)]))
        collar = tube([(-14, -132), (-50, -140), (-92, -152), (-136, -160)], [15, 11, 10, 12])
        canvas.bone(_on(side, collar), amount=0.5)
        canvas.bone(_on(side, [(-112, -140), (-136, -150), (-146, -90), (-140, -30), (-128, -40)]), amount=0.16)
    canvas.ribs(behind, 8.0, 0.26)
    canvas.ribs(before, 8.0, 0.15)


def _broken(canvas: Canvas, side: int, rib: Points) -> tuple[Points, Points]:
    """A rib whose lateral half has sunk, with dense callus where it broke."""
    x, y = 0.5 * (rib[1][0] + rib[2][0]) - 6, 0.5 * (rib[1][1] + rib[2][1])
    canvas.disc((side * x, y + 3), 9.5, 0.8, blur=1.5)
    return [rib[0], rib[1], (x + 5, y - 4)], moved([(x - 4, y + 4), rib[2], rib[3]], by=(0, 12))


def _devices(canvas: Canvas, rng: np.random.Generator) -> None:
    side = -1 if rng.random() < 0.8 else 1
    box = [(-84, -118), (-112, -116), (-116, -92), (-104, -80), (-84, -84)]
    canvas.plate(_on(side, box))
    lead = smooth([(side * -88, -100), (side * -50, -134), (-10, -112), (-22, -40), (-14, 40), (34, 74)], closed=False)
    canvas.metal(lead, 4.2)
    canvas.metal(smooth([(side * -88, -96), (side * -46, -126), (-14, -100), (-28, -10), (-26, 26)], closed=False), 3.6)
