"""The thumb as a radiograph shows it, in millimetres about the middle of the ray; the tip is at negative y.

Anteroposterior: the ulnar side is positive x. Lateral: palmar is positive x.
"""

from __future__ import annotations

import numpy as np

from radprompter.phantom.canvas import Canvas, Point, Points, circle, cut, moved
from radprompter.phantom.cases import Case
from radprompter.phantom.scanners import Film

FILMS = {"ap": Film(88.0, centre=(3.0, -7.0)), "lateral": Film(88.0, centre=(3.0, -7.0))}


def draw_thumb(canvas: Canvas, case: Case, view: str, rng: np.random.Generator) -> None:
    """Add a thumb with the case's findings to the canvas."""
    found = frozenset(case.present)
    severity = float(rng.uniform(0.8, 1.2))
    lateral = view == "lateral"
    _soft_tissue(canvas, found, severity, lateral=lateral)
    out = _dislocated(found, severity, lateral=lateral)
    if "displacement" in found and "metacarpal_fracture" in found:  # the ray goes with its metacarpal
        out = (out[0] + (-8.0 if "bennett_fracture" in found else 8.0) * severity, out[1])
    slim = 1.08 if lateral else 1.25
    _hand(canvas, lateral=lateral)
    narrow = 2.0 if "cmc_osteoarthritis" in found else 0.0
    _metacarpal(canvas, found, severity, slim, by=(0.0, narrow))
    closer = 1.6 if "ip_osteoarthritis" in found else 0.0
    _proximal_phalanx(canvas, found, severity, slim, by=out)
    _distal_phalanx(canvas, found, severity, slim, by=(out[0], out[1] + closer))
    if not lateral:
        for x in (-5.5, 6.0):  # sesamoids
            canvas.disc((x + out[0], 1.0), 2.8, 0.45)
    else:
        canvas.disc((9.0 + out[0], 0.0), 3.0, 0.6)
    if "cmc_osteoarthritis" in found:
        _worn(canvas, (0.0, 42.0), 10.0 * slim, severity)
    if "ip_osteoarthritis" in found:
        _worn(canvas, (out[0], out[1] - 34.5), 8.0 * slim, severity)
    if "hardware" in found:
        canvas.metal([(-13, -8), (8, 40)], 3.2)
        canvas.metal([(12, -10), (-8, 38)], 3.2)


def _long_bone(top: float, bottom: float, widths: tuple[float, float, float], *, hollow: float = 1.0) -> Points:
    """A tubular bone about x = 0 with half widths at its top, waist and bottom."""
    head, waist, base = widths
    length = bottom - top
    side = [
        (0.55 * head, top), (head, top + 0.06 * length), (head, top + 0.17 * length), (waist, top + 0.38 * length),
        (waist, top + 0.6 * length), (base, top + 0.84 * length), (base, top + 0.96 * length),
    ]  # fmt: skip
    return [*side, (0.0, bottom - hollow), *((-x, y) for x, y in reversed(side)), (0.0, top + 0.3)]


def _soft_tissue(canvas: Canvas, found: frozenset[str], severity: float, *, lateral: bool) -> None:
    bulge = 9.0 * severity if "soft_tissue_swelling" in found else 0.0
    half = 14.0 if lateral else 15.5
    canvas.soft([(0, -64), (0.75 * half, -60), (half, -48), (half, -34), (half + 1 + bulge, -14), (half + 4 + bulge, 2),
                 (26, 14), (46, 30), (60, 90), (-30, 90), (-24, 34), (-half - 3 - bulge, 8), (-half - 1 - bulge, -12),
                 (-half, -34), (-half, -48), (-0.75 * half, -60)], 0.5, edge=4.0)  # fmt: skip
    if bulge:
        canvas.soft(circle((0, -6), 17 + bulge, stretch=1.1), 0.24, blur=4)


def _dislocated(found: frozenset[str], severity: float, *, lateral: bool) -> Point:
    if "dislocation" not in found:
        return (0.0, 0.0)
    return (-11.0 * severity, 8.0 * severity) if lateral else (9.5 * severity, 7.0 * severity)


def _hand(canvas: Canvas, *, lateral: bool) -> None:
    """Trapezium, scaphoid and, from in front, the second metacarpal."""
    canvas.bone([(-9, 44), (8, 43), (12, 48), (10, 57), (-4, 58), (-11, 54)])
    canvas.bone([(-3, 60), (10, 59), (15, 66), (10, 78), (0, 80), (-7, 70)], amount=0.9)
    canvas.bone([(12, 46), (20, 46), (24, 56), (16, 60), (11, 57)], amount=0.8)
    turn = 16 if lateral else 24
    second = moved(_long_bone(-18, 46, (7.5, 5, 8.5)), by=(34 if not lateral else 24, 4), turn=turn)
    canvas.bone(second, amount=0.45 if lateral else 0.8)


def _metacarpal(canvas: Canvas, found: frozenset[str], severity: float, slim: float, *, by: Point) -> None:
    bone = moved(_long_bone(-2.5, 40.5, (8.5 * slim, 5.6 * slim, 9.5 * slim), hollow=2.0), by=by)
    far = (8.0 if "displacement" in found else 1.0) * severity
    if "bennett_fracture" in found:
        right, left = cut(bone, (-2.0, 44.0), (14.0, 24.0))
        fragment, shaft = (right, left) if _mean_x(right) > _mean_x(left) else (left, right)
        canvas.bone(moved(fragment, by=(1.2, 0.6)), moved(shaft, by=(-far, 0.35 * far), turn=1.2 * far, about=(0, 0)))
        canvas.gap([(-0.5, 44), (13, 25)], 4.2, depth=0.9)
    elif "rolando_fracture" in found:
        canvas.bone(bone)
        canvas.gap([(-9, 30), (9, 30)], 1.8)
        canvas.gap([(0, 30), (0, 44)], 1.8)
    elif "metacarpal_fracture" in found:
        base, shaft = cut(bone, (-20, 16), (20, 21))
        canvas.bone(base, moved(shaft, by=(far, 0), turn=1.4 * far, about=(0, 18)))
        canvas.gap([(-11 + far / 2, 17), (11 + far / 2, 20)], 4.2, depth=0.9)
    else:
        canvas.bone(bone)


def _proximal_phalanx(canvas: Canvas, found: frozenset[str], severity: float, slim: float, *, by: Point) -> None:
    bone = moved(_long_bone(-33.5, -4.5, (6.6 * slim, 4.8 * slim, 8.2 * slim)), by=by)
    if "proximal_phalanx_fracture" not in found:
        canvas.bone(bone)
        return
    far = (7.5 if "displacement" in found else 0.7) * severity
    lower, upper = cut(bone, (-15 + by[0], -26 + by[1]), (15 + by[0], -12 + by[1]))
    canvas.bone(lower, moved(upper, by=(-far, 0.2 * far), turn=-1.2 * far, about=(by[0], -20 + by[1])))
    canvas.gap(moved([(-11, -24), (11, -14)], by=(by[0] - far / 2, by[1])), 4.2, depth=0.9)


def _distal_phalanx(canvas: Canvas, found: frozenset[str], severity: float, slim: float, *, by: Point) -> None:
    bone = moved(_long_bone(-57.5, -35.5, (5.4 * slim, 3.6 * slim, 7.0 * slim)), by=by)
    if "distal_phalanx_fracture" not in found:
        canvas.bone(bone)
        return
    far = (6.0 if "displacement" in found else 0.6) * severity
    lower, upper = cut(bone, (-15 + by[0], -45 + by[1]), (15 + by[0], -48 + by[1]))
    canvas.bone(lower, moved(upper, by=(far, -0.25 * far), turn=2.2 * far, about=(by[0], -46 + by[1])))
    canvas.gap(moved([(-9, -45.7), (9, -47.3)], by=(by[0] + far / 2, by[1])), 4.0, depth=0.9)


def _worn(canvas: Canvas, joint: Point, half: float, severity: float) -> None:
    """Osteoarthritis: no space left, dense margins, spurs on both sides."""
    x, y = joint
    canvas.line([(x - half, y - 1.2), (x + half, y - 1.2)], 4.6, 0.9, blur=0.6)
    canvas.line([(x - half, y + 1.8), (x + half, y + 1.8)], 4.6, 0.9, blur=0.6)
    spur = 5.0 * severity
    for side in (-1, 1):
        canvas.blob([(x + side * (half - 1.5), y - 4.5), (x + side * (half + spur), y - 1.5),
                     (x + side * (half + spur), y + 1.5), (x + side * (half - 1.5), y + 4.5)], 1.0)  # fmt: skip


def _mean_x(points: Points) -> float:
    return sum(x for x, _ in points) / len(points)
