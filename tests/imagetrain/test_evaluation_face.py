"""What `from imagetrain.evaluation import ...` gives: functions and values, never a module of the same name."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

import imagetrain.evaluation as face


def test_names_are_what_they_say_although_some_are_those_of_modules():
    for module in pkgutil.iter_modules(face.__path__):
        importlib.import_module(f"{face.__name__}.{module.name}")
    assert not [name for name in face.__all__ if isinstance(getattr(face, name), ModuleType)]
    assert list(face.__all__) == sorted(face.__all__) and len(set(face.__all__)) == len(face.__all__)


def test_a_name_that_is_not_there_is_said():
    with pytest.raises(AttributeError, match=r"module 'imagetrain.evaluation' has no attribute 'auc'"):
        _ = face.auc


def test_it_is_light_to_import_and_free_of_torch():
    probe = (
        "import sys, imagetrain.evaluation\n"
        "heavy = ('torch', 'pandas', 'sklearn', 'scipy.stats', 'scipy.optimize')\n"
        "loaded = [name for name in heavy if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_pieces_fit_together():
    labels, scores = [1, 1, 1, 0, 0, 0, 0, 1], [2.5, 1.0, 0.3, -0.5, 0.4, -2.0, -1.0, -0.2]
    assert face.auroc(labels, scores) == face.delong(labels, scores).auroc == 14 / 16
    cut = face.youden(labels, scores).threshold
    assert face.at_threshold(labels, scores, cut).sensitivity.value == face.youden(labels, scores).sensitivity
    counts = face.patient_counts(list("abcdefgh"), resamples=20, seed=1)
    assert face.replicate(labels, scores, counts).auroc.shape == (20,)
