"""The probabilities of a model's first token, by transformers: what a read-out through a server is held against.

Run by the Python of the vLLM environment, with the model's folder as argument; reads a JSON list of conversations and
writes, for each, token text -> probability (tokens that are written alike are added).
"""

from __future__ import annotations

import json
import sys


def main(folder: str) -> None:
    """Answer the conversations of the standard input on the standard output."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    answers: list[dict[str, float]] = []
    for messages in json.load(sys.stdin):
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
        with torch.no_grad():
            shares = model(ids).logits[0, -1].double().softmax(-1).tolist()
        found: dict[str, float] = {}
        for token, share in enumerate(shares):
            word = tokenizer.decode([token])
            found[word] = found.get(word, 0.0) + share
        answers.append(found)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
