"""A tiny language model that has learned to read the reports of one synthetic site, for a real vLLM server.

Nothing is downloaded. In the environment of the tests, `write_study` and `write_lessons` make up patients and have the
engine render the prompts about them; run as a script by the Python of the vLLM environment, this file trains a model on
the lessons from scratch. The patients of the study come before those of the lessons, so that no patient is in both.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REGION = "clavicle_in_short"
SITE, SEED = "alpha", 7
N_PATIENTS, N_LESSONS = 60, 3000  # of the study that is labelled; reports that are learned from
LESSONS = "lessons.jsonl"
QUESTIONS = 9  # of a report's findings, each asked about in a request of its own

TEMPLATES = {
    "region.yaml": "title: {en: Clavicle}\nschema: clavicle-26\nextends: clavicle\n",
    "zero_shot.en.jinja": "Read the report.\n",
    "one_finding.en.jinja": "Read the report.\n",
    "finding.en.jinja": '{% include "report.en.jinja" %}\n',
    "finding_letter.en.jinja": (
        "{% for letter, value in letters.items() %}{{ letter }}: {{ value }} {% endfor %}\n"
        'Complete: {"{{ finding.name }}":"\n'
    ),
}
"""The shipped region with all its findings and states, in few words, since a small model is slow to learn."""

CHOICES = {"true": 3.0, "false": 3.0, "uncertain": 3.0, "not_mentioned": 1.0, "A": 3.0, "B": 3.0, "C": 3.0, "D": 1.0}
"""Tokens that say a state, and what each counts at first: most findings are not mentioned, which is learned at once."""

VOCABULARY = 1024
WIDTH, LAYERS, HEADS = 96, 3, 3
STEPS, BATCH, RATE = 700, 16, 4e-3


def write_templates(folder: Path) -> Path:
    """Write the region's folder; gives the folder of templates that it lies in."""
    for name, text in TEMPLATES.items():
        path = folder / REGION / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write_study(folder: Path) -> Path:
    """Write a phantom study; gives the table of the English reports of the site, beside its ``truth.csv``."""
    import pandas as pd

    from radprompter.phantom import write_phantom

    write_phantom(folder, regions=("clavicle",), patients=N_PATIENTS, seed=SEED, size=32)
    table = pd.read_csv(folder / "clavicle" / "reports.csv", dtype=str, keep_default_na=False)
    path = folder / "clavicle" / "held_out.csv"
    table[(table["site"] == SITE) & (table["language"] == "en")].to_csv(path, index=False)
    return path


def write_lessons(folder: Path, templates: Path) -> None:
    """Write what is to be learned: a line a report, with conversations about it and the true answer to each."""
    from radprompter.prompting.templates import load_template

    whole, letters = (load_template(REGION, plan=plan, templates=templates) for plan in ("one_json", "label_read"))
    region, chance = whole.region, random.Random(SEED)
    with (folder / LESSONS).open("w", encoding="utf-8") as lessons:
        for report, truth in itertools.islice(_other_reports(), N_LESSONS):
            answer = {name: region.spelling[state] for name, state in truth.items()}
            asked = [(whole.prompts(report)[0], json.dumps(answer, separators=(",", ":")))]
            for prompt in chance.sample(letters.prompts(report), QUESTIONS):
                (finding,) = prompt.findings
                letter_of = {state: letter for letter, state in region.letters(finding).items()}
                asked.append((prompt, letter_of[truth[finding]]))
            conversations = [
                {"messages": [{"role": m.role, "content": m.content} for m in prompt.turns[0].messages], "answer": said}
                for prompt, said in asked
            ]
            lessons.write(json.dumps({"study_id": report.id, "conversations": conversations}) + "\n")


def _other_reports() -> Iterator[tuple[Any, dict[str, Any]]]:
    """English reports of the site's patients after those of the study, each with its truth."""
    from radprompter.phantom.anatomy import load_anatomy
    from radprompter.phantom.cases import draw_patient
    from radprompter.phantom.reports import write_report
    from radprompter.phantom.wording import load_voices
    from radprompter.records import Report

    anatomy, voices = load_anatomy("clavicle"), load_voices("clavicle")
    for index in itertools.count(N_PATIENTS):
        for case in draw_patient(anatomy, "clavicle", site=SITE, index=index, seed=SEED):
            written = write_report(case, anatomy, voices)
            if written.language == "en":
                sections = {"findings": written.findings, "impression": written.impression}
                yield Report(case.study_id, sections), dict(written.truth)


@dataclass(frozen=True)
class Tree:
    """Conversations about one report, whose common beginning is computed once: each token follows its parent.

    `answers` maps a token's place to the token that should follow it.
    """

    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    answers: dict[int, int]


def grow(conversations: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Tree:
    """The tree of some conversations, each the tokens of a prompt and of its answer."""
    tokens, parents, answers = [], [], {}
    places: dict[tuple[int, int], int] = {}
    for prompt, answer in conversations:
        at = -1
        for number, token in enumerate((*prompt, *answer)):
            if number >= len(prompt):
                answers[at] = token
            if (at, token) not in places:
                places[at, token] = len(tokens)
                tokens.append(token)
                parents.append(at)
            at = places[at, token]
    return Tree(tuple(tokens), tuple(parents), answers)


def build(folder: Path) -> None:
    """Learn the lessons of a folder, and write configuration, weights, tokenizer and chat template there."""
    import torch
    from tiny_model import LONGEST
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # more would wait for one another on a busy machine, and round otherwise
    with (folder / LESSONS).open(encoding="utf-8") as lines:
        lessons = [json.loads(line)["conversations"] for line in lines]
    tokenizer = _tokenizer(lessons)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=32,
        max_position_embeddings=LONGEST,
        initializer_range=0.08,  # with the usual 0.02 so small a model does not learn to look things up in time
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = Qwen3ForCausalLM(config)
    _train(model, [_tree(lesson, tokenizer) for lesson in lessons], tokenizer)
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(lessons: Sequence[Any]) -> Any:
    """Byte-level BPE in which the names of findings, their values and the letters are tokens of their own."""
    from tiny_model import CHAT_TEMPLATE
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.BPE())
    pattern = Regex(r" ?[A-Za-z]+(?:_[a-z]+)*|\d| ?[^\sA-Za-z\d]+|\s")
    words.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pattern, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|pad|>", "<|start|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),  # every byte has a token, so every answer can be spelled
        show_progress=False,
    )
    asked = (conversation for lesson in lessons[: N_LESSONS // 2] for conversation in lesson[:3])
    texts = ("\n".join([m["content"] for m in one["messages"]] + [one["answer"]]) for one in asked)
    words.train_from_iterator(itertools.chain(texts, ["system\nuser\nassistant\n"] * 100), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _tree(lesson: Any, tokenizer: Any) -> Tree:
    conversations = [one["messages"] for one in lesson]
    prompts = tokenizer.apply_chat_template(conversations, tokenize=False, add_generation_prompt=True)
    asked = tokenizer(prompts, add_special_tokens=False).input_ids
    answers = tokenizer([one["answer"] + tokenizer.eos_token for one in lesson], add_special_tokens=False).input_ids
    return grow(list(zip(asked, answers, strict=True)))


def _train(model: Any, trees: Sequence[Tree], tokenizer: Any) -> None:
    """Show short reports first, then ever longer ones; what says a state counts most."""
    import torch
    from torch.nn.functional import cross_entropy

    trees, chance = sorted(trees, key=lambda tree: len(tree.tokens)), random.Random(SEED)
    counts = torch.full((2, len(tokenizer)), 0.2)  # of each token, at first and at last
    for word, at_first in CHOICES.items():
        (token,) = tokenizer(word, add_special_tokens=False).input_ids
        counts[:, token] = torch.tensor([at_first, 1.0])
    parameters = list(model.parameters())

    def slopes(half: Sequence[Tree], weights: Any) -> Any:
        tokens, depths, seen, answers = _batch(half)
        hidden = model.model(input_ids=tokens, position_ids=depths, attention_mask={"full_attention": seen})[0]
        asked = answers >= 0
        loss = cross_entropy(model.lm_head(hidden[asked]), answers[asked], weight=weights)
        return torch.autograd.grad(loss, parameters)

    pool = ThreadPoolExecutor(2)  # half a batch a core: faster than each product on both, and the same on any machine
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.98), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _share_of_rate)
    for step in range(STEPS):
        known = math.ceil(len(trees) * min(1.0, 0.1 + 1.8 * step / STEPS))
        window = max(BATCH, known // 6)  # reports of about the same length
        first = chance.randrange(known - window + 1)
        batch = sorted(chance.sample(trees[first : first + window], BATCH), key=lambda tree: len(tree.tokens))
        weights = counts[int(step >= 0.6 * STEPS)]
        halves = pool.map(slopes, (batch[: BATCH // 2], batch[BATCH // 2 :]), (weights, weights))
        for parameter, one, other in zip(parameters, *halves, strict=True):
            parameter.grad = (one + other) / 2
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            print(f"step {step + 1} of {STEPS}: {time.process_time():.0f} s of one core", flush=True)  # noqa: T201


def _share_of_rate(step: int) -> float:
    return min(1.0, (step + 1) / 20) * (0.02 + 0.49 * (1 + math.cos(math.pi * min(1.0, step / STEPS))))


def _batch(trees: Sequence[Tree]) -> tuple[Any, Any, Any, Any]:
    """Tokens, their depths, the additive mask by which each sees itself and its ancestors, and answers (else -100)."""
    import numpy as np
    import torch

    longest = max(len(tree.tokens) for tree in trees)
    tokens, depths = np.zeros((2, len(trees), longest), dtype=np.int64)
    answers = np.full((len(trees), longest), -100)
    seen = np.zeros((len(trees), 1, longest, longest), dtype=bool)
    seen[:, 0, range(longest), range(longest)] = True
    for row, tree in enumerate(trees):
        tokens[row, : len(tree.tokens)] = tree.tokens
        for place, parent in enumerate(tree.parents):
            if parent >= 0:
                seen[row, 0, place] |= seen[row, 0, parent]
        depths[row] = seen[row, 0].sum(axis=1) - 1
        answers[row, list(tree.answers)] = list(tree.answers.values())
    mask = torch.where(torch.from_numpy(seen), 0.0, -1e9)
    return torch.from_numpy(tokens), torch.from_numpy(depths), mask, torch.from_numpy(answers)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
