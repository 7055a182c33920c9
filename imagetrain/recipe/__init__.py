"""Recipes: what `imagetrain` is asked to do, as frozen values read from the same YAML file that `radprompter` reads."""

from imagetrain.recipe.batches import Augment, Mix
from imagetrain.recipe.data import Data, Fractions, Images, SplitRecipe, Studies
from imagetrain.recipe.evaluation import EvaluateRecipe, Metadata, Reference, SubgroupRecipe, TargetSensitivity
from imagetrain.recipe.losses import Asymmetric, ClassWeights, CrossEntropy, Focal, LossRecipe, Noise
from imagetrain.recipe.policies import FindingPolicy, PolicyName, PolicyRecipe, Rule
from imagetrain.recipe.report import ReportRecipe, SaliencyRecipe
from imagetrain.recipe.scores import ScoreColumns
from imagetrain.recipe.study import StudyRecipe, load_recipe, recipe_of_folder, recipe_of_scores
from imagetrain.recipe.train import TrainRecipe

__all__ = [
    "Asymmetric",
    "Augment",
    "ClassWeights",
    "CrossEntropy",
    "Data",
    "EvaluateRecipe",
    "FindingPolicy",
    "Focal",
    "Fractions",
    "Images",
    "LossRecipe",
    "Metadata",
    "Mix",
    "Noise",
    "PolicyName",
    "PolicyRecipe",
    "Reference",
    "ReportRecipe",
    "Rule",
    "SaliencyRecipe",
    "ScoreColumns",
    "SplitRecipe",
    "Studies",
    "StudyRecipe",
    "SubgroupRecipe",
    "TargetSensitivity",
    "TrainRecipe",
    "load_recipe",
    "recipe_of_folder",
    "recipe_of_scores",
]
