"""The clavicle with its shoulder, anteroposterior, in millimetres about its middle; lateral is positive x."""

from __future__ import annotations

import numpy as np

from radprompter.phantom.canvas import Canvas, Point, circle, cut, moved, tube
from radprompter.phantom.cases import Case
from radprompter.phantom.scanners import Film

FILMS = {"ap": Film(172.0, landscape=True, centre=(14.0, 6.0))}

SHAFT = [(-66, 15), (-52, 9), (-30, 7), (-8, 2), (14, -6), (34, -11), (50, -10), (60, -8)]
WIDTHS = [19, 15, 12.5, 11.5, 11, 11.5, 14, 12]
MEDIAL_END: Point = (-60.0, 13.0)


def draw_clavicle(canvas: Canvas, case: Case, view: str, rng: np.random.Generator) -> None:
    """Add a clavicle and the shoulder with the case's findings to the canvas."""
    found = frozenset(case.present)
    severity = float(rng.uniform(0.8, 1.2))
    _chest_wall(canvas, found, severity)
    _shoulder(canvas, found, severity)
    lift = 0.0
    if "ac_joint_dislocation" in found:
        lift = -9.5 * severity
    elif "ac_joint_osteoarthritis" in found:
        lift = 0.8
    _clavicle(canvas, found, severity, lift)
    if "ac_joint_osteoarthritis" in found:
        end = moved([(60.0, -8.0)], turn=lift, about=MEDIAL_END)[0]
        canvas.line(moved([(end[0] - 1, end[1] - 7), (end[0] + 1, end[1] + 8)]), 7.0, 1.0, blur=0.8)
        canvas.line([(66, -13), (67, 4)], 6.0, 0.9, blur=0.8)
        for y, up in ((end[1] - 6, -1), (end[1] + 7, 1)):
            canvas.blob([(end[0] - 10, y), (end[0] + 2, y + up * 14 * severity), (end[0] + 12, y)], 1.2)
    if "soft_tissue_calcification" in found:
        canvas.blob(circle((70 - 4 * severity, 12.0), 10.0 * severity, stretch=0.5), 1.9, blur=0.4)
    if "hardware" in found:
        upper = [(x, y - 8) for x, y in SHAFT[2:6]]
        plate = moved(upper, turn=lift, about=MEDIAL_END)
        canvas.metal(plate, 7.0)
        for x in (-27, -17, -7, 5, 16, 27):
            y = float(np.interp(x, [p[0] for p in SHAFT], [p[1] for p in SHAFT]))
            canvas.metal(moved([(x, y - 8), (x + 1, y + 13)], turn=lift, about=MEDIAL_END), 3.4)


def _chest_wall(canvas: Canvas, found: frozenset[str], severity: float) -> None:
    """Soft tissue with neck and shoulder, the lung's apex, spine and ribs."""
    bulge = 17.0 * severity if "soft_tissue_swelling" in found else 0.0
    canvas.soft([(-110, -110), (-66, -110), (-58, -62), (-34, -34 - 0.6 * bulge), (0, -24 - bulge), (36, -27 - bulge),
                 (70, -27), (104, -8), (112, 40), (104, 110), (-110, 110)], 0.62, blur=1.5)  # fmt: skip
    if bulge:
        canvas.soft(circle((0, -12), 36 + bulge / 2, stretch=0.6), 0.26, blur=5)
    lung = [(-74, 100), (-74, 40), (-66, 20), (-48, 12), (-26, 18), (-4, 36), (12, 64), (20, 100)]
    canvas.shade(lung, -0.34, blur=2.5)
    for n in range(4):
        far, top = 8 + 9 * n, 14 + 19 * n
        path = [(-84, top - 4), (-62, top - 8), (-36, top - 1), (-14 + far * 0.5, top + 16), (2 + far, top + 40)]
        canvas.bone(tube(path, [9] * 5), amount=0.42)
    canvas.bone([(-100, -110), (-76, -110), (-74, 110), (-100, 110)], amount=0.6)
    for y in range(-66, 80, 20):
        canvas.line([(-98, y), (-76, y)], 2.5, 0.25)
    canvas.bone([(-84, 22), (-70, 16), (-66, 34), (-72, 80), (-84, 80)], amount=0.4)


def _shoulder(canvas: Canvas, found: frozenset[str], severity: float) -> None:
    """Scapula with acromion and coracoid, and the humerus."""
    worn = "glenohumeral_osteoarthritis" in found
    canvas.bone([(30, 16), (52, 20), (57, 30), (56, 52), (48, 66), (40, 100), (22, 100), (14, 40)], amount=0.35)
    canvas.bone([(40, 26), (36, 16), (42, 9), (52, 12), (54, 22), (48, 28)], amount=0.6)  # coracoid
    canvas.bone([(67, -13), (78, -12), (88, -4), (90, 3), (80, 3), (67, 3)], amount=0.85)  # acromion
    near = -6.5 * severity if worn else 0.0
    head = moved([(64, 30), (68, 20), (80, 15), (92, 20), (97, 32), (96, 44), (92, 58), (90, 110), (70, 110), (70, 62),
                  (64, 50), (61, 40)], by=(near + 1.0, 0.0))  # fmt: skip
    canvas.bone(head)
    if worn:
        canvas.line([(57, 24), (59, 38), (57, 54)], 5.0, 0.55, blur=0.8)
        canvas.blob(moved([(62, 44), (54, 58 + 5 * severity), (62, 64 + 5 * severity), (72, 58)], by=(near, 0)), 0.7)


def _clavicle(canvas: Canvas, found: frozenset[str], severity: float, lift: float) -> None:
    bone = moved(tube(SHAFT, WIDTHS), turn=lift, about=MEDIAL_END)
    middle = "fracture_middle_third" in found
    if not middle and "fracture_lateral_third" not in found:
        canvas.bone(bone)
        return
    at = (-4.0, 1.0) if middle else (38.0, -11.0)
    x, y = moved([at], turn=lift, about=MEDIAL_END)[0]
    right, left = cut(bone, (x - 6, y - 24), (x + 6, y + 24))
    medial, lateral = (left, right) if min(p[0] for p in left) < min(p[0] for p in right) else (right, left)
    far = (12.0 if middle else 10.0) * severity if "displacement" in found else 0.0
    over = 8.0 * severity if "shortening" in found else 0.0
    canvas.bone(
        moved(medial, by=(0, -far * 0.55), turn=-far * 0.4, about=MEDIAL_END),
        moved(lateral, by=(-over, far * 0.5), turn=far * 0.5, about=(62, -8)),
    )
    canvas.gap([(x - 3, y - 12), (x - 1.5, y - 3), (x + 1.5, y + 3), (x + 3, y + 12)], 8.5, depth=0.95)
    if "callus" in found:
        canvas.blob(circle((x, y), 19 * severity, stretch=0.75), 0.75, blur=2.0)
        canvas.blob(circle((x, y), 9 * severity, stretch=0.9), 0.3, blur=2.0)
