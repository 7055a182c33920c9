"""Recipes: what `radprompter` is asked to do, as frozen values read from YAML.

A recipe file has one section a stage. This package reads `phantom`, `label`, `weaken` and `agree`; `imagetrain` reads
`data`, `train` and `evaluate` from the same file, and both read `tracking`. Relative paths are relative to the working
directory; ``{out}`` stands for the output folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from radprompter.agree_recipe import AgreeRecipe
from radprompter.tracking import TrackingRecipe
from radprompter.typed_yaml import Section, open_document, validate
from radprompter.weakening import ErrorRates

SectionChoice = Literal["whole", "findings", "impression"]
PlanName = Literal["one_json", "per_finding", "label_read"]

LEAST_LABEL_MASS = 0.5

GRAMMARS = frozenset({"response_format", "structured_outputs", "logprobs"})
"""Fields of `extra_body` that would put a grammar before the probabilities that are to be read, or switch them off."""


MODELS = frozenset({"openai", "vllm", "openai-batch", "vllm-offline"})
"""Backends that ask a language model by the settings of a chat request."""

SILENT_CUT = "truncate_prompt_tokens"
"""Field of `extra_body` by which vLLM leaves out words of a report, and says nothing."""


class Reports(Section):
    """Where the reports are."""

    path: Path = Field(description="CSV or JSONL file (also .gz or .zst) or Parquet file, one row a report")
    id: str = Field("report_id", description="column with the report's id")
    text: str | dict[str, str] = Field(
        default_factory=lambda: {"findings": "findings", "impression": "impression"},
        description="column with the report's text, or section name -> column",
    )
    language: str = Field("en", description="language of the reports: `en` or `de`")
    language_column: str | None = Field(None, description="column with the language, where it differs by report")
    only: tuple[str, ...] | None = Field(None, description="ids of the reports to read; all if null")


class Length(Section):
    """The longest report that is read, and what becomes of a longer one."""

    limit_tokens: int = Field(ge=32, description="tokens of a report's chosen sections, with the mark of a cut")
    policy: Literal["fail", "cut_end", "cut_start", "cut_middle"] = Field(
        "fail", description="fail: not asked about; otherwise where words are left out, and a mark says how many"
    )


IdentifierKind = Literal["name", "date", "phone", "email", "record", "address"]


class Privacy(Section):
    """What is done about words that tell who a report is about."""

    action: Literal["block", "mask", "off"] | None = Field(
        None,
        description="block: nothing is sent if a report has any; mask: placeholders are read instead; "
        "off: not looked for; null: block where reports leave this machine, else off",
    )
    kinds: tuple[IdentifierKind, ...] = Field(get_args(IdentifierKind), min_length=1, description="what is looked for")


class Budget(Section):
    """What a run may cost before it stops, with what was answered kept."""

    failed_share: float | None = Field(
        0.5, gt=0, le=1, description="share of the requests that may fail, judged after the first 50; null: all"
    )
    spend_usd: float | None = Field(None, gt=0, description="money that one run may spend; null: any")
    prices: Path | None = Field(None, description="price file instead of the shipped one")


class LabelRecipe(Section):
    """The `label` section: reports in, label table out."""

    reports: Reports
    region: str = Field(description="a folder under `templates/`, or a path to a region folder")
    templates: Path | None = Field(None, description="folder with region folders, instead of the shipped one")
    language: Literal["en", "de"] = Field("en", description="language of the prompt")
    strategy: str = Field(
        "zero_shot",
        description="how the question is asked: zero_shot, few_shot (after examples), chain_of_thought (reasoning in a "
        "turn of its own) or chain_of_thought_one_turn (reasoning in the answer, before the values)",
    )
    persona: str = Field(
        "annotator",
        description="who the model is told to be: annotator, radiologist, none, "
        "or NAME of a persona_NAME.LANGUAGE.jinja in the region folder",
    )
    examples: Path | None = Field(
        None,
        description="examples file, or the name of one in the region's folders; few_shot takes "
        "examples.LANGUAGE.yaml from there by itself",
    )
    prefill: str = Field(
        "", description="text that begins the answer, such as `<answer>`; the answer is not constrained then"
    )
    stop: tuple[str, ...] = Field((), description="texts that end the answer, such as `</answer>`")
    plan: PlanName = Field(
        "one_json",
        description="what one request asks: one_json all findings, per_finding one finding, "
        "label_read the probabilities of one finding's states (no text is generated)",
    )
    samples: int = Field(
        1, ge=1, le=100, description="times that each question is asked; vote shares become soft labels"
    )
    reasks: int = Field(
        1,
        ge=0,
        le=5,
        description="questions that may follow a faulty answer, quoting the fault; a cut one gets more room",
    )
    verify: bool = Field(False, description="check each positive by a second question that quotes its evidence")
    least_label_mass: float = Field(
        LEAST_LABEL_MASS,
        ge=0,
        le=1,
        description="label_read: probability that must lie on the allowed answers; below, a cell fails",
    )
    sections: SectionChoice = Field("whole", description="which part of a report is read")
    evidence: bool = Field(False, description="ask for the decisive words of the report, for every finding")
    length: Length | None = Field(None, description="longest report that is read; no limit if null")
    tokenizer: Path | None = Field(
        None,
        description="the model's `tokenizer.json`, or the folder that has it, to count tokens with; "
        "counts are approximate if null",
    )
    privacy: Privacy = Privacy()
    backend: dict[str, Any] = Field(
        default_factory=lambda: {"name": "rules"}, description="`name` of the backend and its own settings"
    )
    limit: int | None = Field(None, ge=1, description="label only the first reports")
    journal: Path | None = Field(
        None, description="file that keeps every answer; recipes may share one. `{out}/label/journal.sqlite` if null"
    )
    budget: Budget = Budget()
    durability: Literal["batch", "each"] = Field(
        "batch",
        description="what a power cut may take: batch the last answers, each none (slower). A process that dies loses "
        "none of those stored",
    )

    cluster: Literal["refuse", "allow"] = Field(
        "refuse", description="whether reports may go to the machines of a Ray cluster (`--engine ray`)"
    )

    @field_validator("backend")
    @classmethod
    def _named(cls, backend: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(backend.get("name"), str):
            raise ValueError("a backend needs a name, such as `name: rules`")
        return backend

    @model_validator(mode="after")
    def _varied(self) -> LabelRecipe:
        if self.samples == 1:
            return self
        if self.plan == "label_read":
            raise ValueError("plan label_read gives probabilities by itself; take samples away")
        if self.backend["name"] in MODELS and self.backend.get("temperature", 0) == 0:
            raise ValueError("samples at temperature 0 are all alike; set backend.temperature, such as 0.7")
        if self.backend.get("seed") is not None:
            raise ValueError("samples with one seed are all alike; take backend.seed away")
        return self

    @field_validator("stop")
    @classmethod
    def _some_text(cls, stop: tuple[str, ...]) -> tuple[str, ...]:
        if any(not text for text in stop):
            raise ValueError("an empty text would end every answer before it begins")
        return stop

    @model_validator(mode="after")
    def _begun(self) -> LabelRecipe:
        if self.plan == "label_read" and (self.prefill or self.stop):
            raise ValueError("plan label_read reads one token and no text; take prefill and stop away")
        constrained = self.backend["name"] in MODELS and self.backend.get("structured", True) not in (False, "none")
        if self.prefill and constrained:
            raise ValueError(
                "a JSON schema begins the answer anew and cannot go on with a prefill; "
                "take prefill away, or leave answers unconstrained (backend.structured)"
            )
        return self

    @model_validator(mode="after")
    def _in_english(self) -> LabelRecipe:
        compat = self.backend.get("compat")
        if self.backend["name"] == "rules" and compat and self.reports.language != "en":
            raise ValueError(
                f"backend.compat {compat} reads English reports alone, and reports.language is "
                f"{self.reports.language!r}; take compat away"
            )
        return self

    @model_validator(mode="after")
    def _in_words(self) -> LabelRecipe:
        if self.evidence and self.plan == "label_read":
            raise ValueError("plan label_read reads probabilities and no words; take evidence away")
        return self

    @model_validator(mode="after")
    def _whole(self) -> LabelRecipe:
        extra = self.backend.get("extra_body")
        if isinstance(extra, dict) and SILENT_CUT in extra:
            raise ValueError(
                f"{SILENT_CUT} cuts reports where nobody sees it; take it out of extra_body, use label.length"
            )
        return self

    @model_validator(mode="after")
    def _unconstrained(self) -> LabelRecipe:
        extra = self.backend.get("extra_body")
        in_the_way = sorted(GRAMMARS & set(extra)) if isinstance(extra, dict) else []
        if self.plan == "label_read" and in_the_way:
            raise ValueError(
                f"plan label_read reads probabilities without a grammar; take {', '.join(in_the_way)} out of extra_body"
            )
        return self


class PhantomRecipe(Section):
    """The `phantom` section: a synthetic study with known truth."""

    path: Path | None = Field(None, description="folder to write; `{out}/phantom` if null")
    regions: tuple[str, ...] = Field(("elbow",), description="any of chest, clavicle, elbow, thumb")
    patients: int = Field(400, ge=8, description="patients a region and site")
    seed: int = Field(7, description="the same seed writes the same bytes")
    size: int = Field(160, ge=64, le=1024, description="shorter side of an image, in pixels")


class StudyRecipe(Section):
    """A recipe file as `radprompter` sees it."""

    name: str = Field(description="name of the study, used in titles")
    out: Path = Field(description="folder that everything is written to")
    phantom: PhantomRecipe | None = None
    label: LabelRecipe | None = None
    weaken: dict[str, ErrorRates] | None = Field(
        None,
        min_length=1,
        description="name -> how often labels of `label` are turned over, in `{out}/weaken/NAME/labels.parquet`, to "
        "see what weak labels do",
    )
    agree: AgreeRecipe | None = None
    data: dict[str, Any] | None = Field(None, description="read by imagetrain")
    train: dict[str, Any] | None = Field(None, description="read by imagetrain")
    evaluate: dict[str, Any] | None = Field(None, description="read by imagetrain")
    report: dict[str, Any] | None = Field(None, description="read by imagetrain")
    studies: dict[str, Path] | None = Field(
        None,
        min_length=1,
        description="name -> recipe of a whole study, instead of all stages: each is run into a folder of its own "
        "below `out`, then their tables are put side by side",
    )
    tracking: TrackingRecipe = Field(TrackingRecipe(), description="finished stages side by side in MLflow")

    @model_validator(mode="after")
    def _either(self) -> StudyRecipe:
        stages = ("phantom", "label", "weaken", "agree", "data", "train", "evaluate", "report")
        if self.studies and (named := [name for name in stages if getattr(self, name) is not None]):
            raise ValueError(f"a recipe of `studies` has no stages of its own; take {', '.join(named)} away")
        for name in self.studies or ():
            if not name.strip(". ") or set(name) & set("/\\"):
                raise ValueError(f"study {name!r}: the name is also that of a folder; take another")
        return self


def load_recipe(path: Path, *, settings: Sequence[str] = (), out: Path | None = None) -> StudyRecipe:
    """The recipe in a file, typed.

    Raises
    ------
    RecipeError
        With every problem of the file at once.
    """
    return validate(StudyRecipe, open_document(path, settings=settings, out=out))
