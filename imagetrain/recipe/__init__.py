"""Recipes: what `imagetrain` is asked to do, as frozen values read from the same YAML file that `radprompter` reads."""

from imagetrain.recipe.data import Data, Fractions, Images, SplitRecipe, Studies
from imagetrain.recipe.study import EvaluateRecipe, Reference, StudyRecipe, load_recipe
from imagetrain.recipe.train import Augment, PolicyName, PolicyRecipe, TrainRecipe

__all__ = [
    "Augment",
    "Data",
    "EvaluateRecipe",
    "Fractions",
    "Images",
    "PolicyName",
    "PolicyRecipe",
    "Reference",
    "SplitRecipe",
    "Studies",
    "StudyRecipe",
    "TrainRecipe",
    "load_recipe",
]
