"""The elbow as a radiograph shows it, anteroposterior and lateral, in millimetres about the joint.

Anteroposterior: x towards the radial side, y towards the hand. Lateral, flexed to a right angle: the humerus comes from
above, the forearm goes towards positive x, posterior is negative x.
"""

from __future__ import annotations

import numpy as np

from radprompter.phantom.canvas import Canvas, Points, circle, cut, moved
from radprompter.phantom.cases import Case
from radprompter.phantom.scanners import Film

FILMS = {"ap": Film(104.0), "lateral": Film(112.0)}


def draw_elbow(canvas: Canvas, case: Case, view: str, rng: np.random.Generator) -> None:
    """Add an elbow with the case's findings to the canvas."""
    found = frozenset(case.present)
    canvas.mineral = rng.uniform(0.0, 0.12) if "osteopenia" in found else rng.uniform(0.9, 1.15)
    severity = rng.uniform(0.8, 1.2)
    (_draw_ap if view == "ap" else _draw_lateral)(canvas, found, severity, rng)


def _shift(found: frozenset[str], far: float, near: float, severity: float) -> float:
    return severity * far if "displacement" in found else near


def _draw_ap(canvas: Canvas, found: frozenset[str], severity: float, rng: np.random.Generator) -> None:
    bulge = 13.0 * severity if "soft_tissue_swelling" in found else 0.0
    canvas.soft([(-36, -110), (36, -110), (40, -40), (46 + bulge, -8), (44 + bulge, 14), (36, 45), (30, 110),
                 (-30, 110), (-36, 45), (-43 - bulge, 12), (-44 - bulge, -10), (-40, -42)], 0.5)  # fmt: skip
    if "soft_tissue_swelling" in found:
        canvas.soft(circle((0, 0), 46 + bulge, stretch=0.8), 0.22, blur=5)
    narrow = 3.2 * severity if "osteoarthritis" in found else 0.0
    out = (11.0 * severity, -17.0 * severity) if "dislocation" in found else (0.0, -narrow)
    humerus: Points = [(-11, -120), (11, -120), (11, -48), (15, -32), (29, -17), (30, -9), (24, -6), (23, 4), (14, 6),
                       (7, 2), (3, 0), (-4, 4), (-13, 8), (-20, 5), (-23, -4), (-33, -10), (-34, -17), (-27, -25),
                       (-14, -36), (-11, -50)]  # fmt: skip
    ulna: Points = [(-18, -14), (-9, -19), (2, -17), (4, -4), (1, 8), (4, 13), (2, 22), (-1, 60), (-3, 120), (-15, 120),
                    (-15, 60), (-18, 28), (-21, 12), (-22, 6), (-19, -4)]  # fmt: skip
    radius: Points = [(7, 11), (22, 9.5), (24.5, 12), (24, 19), (20.5, 24), (20, 30), (21, 40), (22, 120), (10, 120),
                      (10, 50), (7, 38), (10, 29), (9, 23), (6.5, 18)]  # fmt: skip
    if "supracondylar_fracture" in found:
        distal, shaft = cut(humerus, (-40, -31), (40, -25))
        by = _shift(found, 13, 1.5, severity)
        canvas.bone(distal, moved(shaft, by=(-by, -0.8), turn=_shift(found, -9, 0, severity), about=(0, -28)))
        canvas.gap([(-26, -30), (-8, -28.5), (6, -30), (24, -26)], 2.8)
    else:
        canvas.bone(humerus)
    canvas.blob(circle((-1, -16), 6.5, stretch=0.8), -0.16, blur=1.5)  # olecranon fossa
    ulna, radius = moved(ulna, by=out), moved(radius, by=out)
    _ulna_ap(canvas, ulna, found, out, severity)
    if "radial_head_fracture" in found:
        medial, lateral = cut(radius, (11 + out[0], 2 + out[1]), (21 + out[0], 34 + out[1]))
        by = _shift(found, 9, 1.2, severity)
        canvas.bone(medial, moved(lateral, by=(by, 0.4 * by), turn=by * 2, about=(22, 14)))
        canvas.gap(moved([(13.3, 9), (16, 17), (20.5, 27)], by=out), 5.0, depth=0.95)
    else:
        canvas.bone(radius)
    if "osteoarthritis" in found:
        for start, end in (((-20, 6.5), (0, 3)), ((5, 5), (23, 7))):
            canvas.line([start, end], 4.0, 0.5, blur=0.8)
        for tip in (((-22, 0), (-32, 6), (-21, 9)), ((23, 0), (34, 4), (23, 9)), ((23, 11), (33, 10), (24, 16))):
            canvas.blob(tip, 0.75)
    if "hardware" in found:
        canvas.metal([(17, -88), (17.5, -44), (24, -24), (26, -14)], 4.6)
        for y in (-78, -64, -50, -36, -18):
            x = 17.0 + max(0.0, (y + 44) * 0.3)
            canvas.metal([(x - 20, y + 1.5), (x + 1, y)], 2.4)


def _ulna_ap(canvas: Canvas, ulna: Points, found: frozenset[str], out: tuple[float, float], severity: float) -> None:
    if "olecranon_fracture" not in found:
        canvas.bone(ulna, amount=0.85)
        return
    distal, tip = cut(ulna, (-30 + out[0], -6 + out[1]), (10 + out[0], -4 + out[1]))
    by = _shift(found, 11, 1.0, severity)
    canvas.bone(distal, moved(tip, by=(0, -by)), amount=0.85)
    canvas.gap(moved([(-20, -6), (4, -4)], by=(out[0], out[1] - by / 2)), 2.6, depth=0.6)


def _draw_lateral(canvas: Canvas, found: frozenset[str], severity: float, rng: np.random.Generator) -> None:
    bulge = 13.0 * severity if "soft_tissue_swelling" in found else 0.0
    canvas.soft([(-26, -110), (38, -110), (40, -48), (52, -30), (110, -24), (110, 32), (30, 30), (2, 28 + bulge),
                 (-24 - bulge, 18 + bulge), (-32 - bulge, -6), (-27 - bulge / 2, -42)], 0.5)  # fmt: skip
    if "soft_tissue_swelling" in found:
        canvas.soft(circle((-14, 4), 30 + bulge), 0.22, blur=5)
    if "effusion" in found:  # raised fat pads: a dark sail before the humerus, a dark crescent behind it
        canvas.shade([(9, -40), (16, -42), (27, -20), (17, -13), (10, -20)], -0.36 * severity)
        canvas.shade([(-13, -44), (-21, -32), (-22, -16), (-15, -14), (-12, -26)], -0.36 * severity)
        canvas.soft(circle((12, -9), 14), 0.14, blur=3)
    narrow = 2.6 * severity if "osteoarthritis" in found else 0.0
    out = (-20.0 * severity, -11.0 * severity) if "dislocation" in found else (-narrow * 0.6, -narrow * 0.6)
    humerus: Points = [(-9, -120), (9, -120), (8, -44), (8, -28), (4, -20), (11, -13), (13, -2), (9, 9), (1, 12),
                       (-8, 8), (-11, 0), (-8, -10), (-5, -20), (-9, -32), (-9, -50)]  # fmt: skip
    ulna: Points = [(-10, -17), (-17, -16), (-23, -8), (-23, 6), (-16, 17), (0, 25), (24, 25), (60, 23), (125, 21),
                    (125, 9), (60, 11), (30, 12), (21, 10), (19, 1), (15, 3), (13, 10), (5, 16), (-4, 15.5), (-12, 10),
                    (-15, 1), (-13, -8), (-8, -13)]  # fmt: skip
    radius: Points = [(16, -9), (20, -10), (27, -9), (34, -6), (42, -5), (54, -7), (125, -9), (125, 3), (60, 5),
                      (48, 7), (42, 5), (34, 5), (27, 9), (19, 10), (16, 9)]  # fmt: skip
    if "supracondylar_fracture" in found:
        distal, shaft = cut(humerus, (-30, -30), (30, -26))
        by = _shift(found, 12, 1.2, severity)
        canvas.bone(distal, moved(shaft, by=(by, -0.8), turn=_shift(found, 8, 0, severity), about=(0, -28)))
        canvas.gap([(-12, -29.5), (-3, -27), (12, -28)], 2.8)
    else:
        canvas.bone(humerus)
    canvas.line(circle((0.5, 0), 8.5), 1.2, 0.16)  # the condyles overlie one another
    _radius_lateral(canvas, moved(radius, by=out), found, out, severity)
    _ulna_lateral(canvas, moved(ulna, by=out), found, out, severity)
    if "osteoarthritis" in found:
        canvas.line(moved([(-13, -6), (-14, 3), (-8, 12), (3, 15), (12, 10)], by=out), 4.0, 0.5, blur=0.8)
        for tip in (((17, 4), (20, -9), (24, 3)), ((-12, -14), (-4, -24), (-16, -18)), ((17, -8), (14, -18), (25, -9))):
            canvas.blob(moved(tip, by=out), 0.7)
    if "olecranon_spur" in found:
        long = 22.0 * severity
        canvas.blob(moved([(-26, -5), (-14, -9), (-16, -20), (-22, -14 - long), (-28, -16)], by=out), 1.3, blur=0.3)
    if "hardware" in found:
        canvas.metal([(-11, -88), (-11, -46), (-8, -24), (-10, -10)], 4.0)
        for y in (-78, -64, -50, -36, -18):
            canvas.metal([(-10, y), (8, y + rng.uniform(-2, 2))], 2.4)


def _radius_lateral(
    canvas: Canvas, radius: Points, found: frozenset[str], out: tuple[float, float], severity: float
) -> None:
    if "radial_head_fracture" not in found:
        canvas.bone(radius, amount=0.9)
        return
    distal, head = cut(radius, (28 + out[0], 16 + out[1]), (22 + out[0], -16 + out[1]))
    by = _shift(found, 9.5, 1.2, severity)
    near = head if min(x for x, _ in head) < min(x for x, _ in distal) else distal
    rest = distal if near is head else head
    canvas.bone(rest, moved(near, by=(0.2 * by, -by), turn=-2 * by, about=(20 + out[0], out[1])), amount=0.9)
    canvas.gap(moved([(27, 11), (25, 0), (23, -12)], by=out), 5.0, depth=0.95)


def _ulna_lateral(
    canvas: Canvas, ulna: Points, found: frozenset[str], out: tuple[float, float], severity: float
) -> None:
    if "olecranon_fracture" not in found:
        canvas.bone(ulna)
        return
    one, other = cut(ulna, (-30 + out[0], 12 + out[1]), (-6 + out[0], 1 + out[1]))
    tip, rest = (one, other) if max(x for x, _ in one) < max(x for x, _ in other) else (other, one)
    by = _shift(found, 12, 1.2, severity)
    canvas.bone(rest, moved(tip, by=(-0.25 * by, -by), turn=by, about=(-18 + out[0], 6 + out[1])))
    canvas.gap(moved([(-25, 10), (-9, 2.5)], by=(out[0], out[1] - by / 2)), 3.0)
