"""Greedy, free decoding of a set of requests: exact matches by intent, and every miss."""

import argparse
import json
from collections import Counter
from pathlib import Path

import torch
from safetensors import safe_open

from model import CHAT, END, Base, gguf_of, hugging_face


def load(base: Base, adapter: Path | None):
    if adapter is None:
        return hugging_face(base, None, 0.0)
    with safe_open(adapter, "pt") as file:
        scale = float(file.metadata()["scale"])
        return hugging_face(base, {key: file.get_tensor(key) for key in file.keys()}, scale)


@torch.inference_mode()
def answers(model, tokenizer, prompts, limit, batch=24):
    """One greedy answer a prompt, in batches of similar length."""
    end, texts = tokenizer.token_to_id(END), [""] * len(prompts)
    rows = [tokenizer.encode(CHAT.format(prompt)).ids for prompt in prompts]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        width = max(len(rows[i]) for i in part)
        padded = torch.tensor([[end] * (width - len(rows[i])) + rows[i] for i in part])
        mask = torch.tensor([[0] * (width - len(rows[i])) + [1] * len(rows[i]) for i in part])
        made = model.generate(
            padded, attention_mask=mask, max_new_tokens=limit, do_sample=False, eos_token_id=end, pad_token_id=end
        )
        for i, ids in zip(part, made[:, width:].tolist()):
            texts[i] = tokenizer.decode(ids[: ids.index(end)] if end in ids else ids)
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="lines of prompt, target and intent")
    parser.add_argument("--limit", type=int, default=96, help="tokens of an answer")
    parser.add_argument("--count", type=int, default=0, help="only the first so many")
    parser.add_argument("--quiet", action="store_true", help="no misses")
    arguments = parser.parse_args()
    base = Base(gguf_of(arguments.wheel))
    examples = [json.loads(line) for line in arguments.data.read_text().splitlines()]
    examples = examples[: arguments.count or None]
    model = load(base, arguments.adapter)
    made = answers(model, base.tokenizer, [example["prompt"] for example in examples], arguments.limit)
    right, total = Counter(), Counter()
    for example, text in zip(examples, made):
        hit = text == example["target"] or text in example.get("also", [])
        total[example["intent"]] += 1
        right[example["intent"]] += hit
        if not hit and not arguments.quiet:
            print(f"{example['prompt']}\n  want: {example['target']!r}\n  got:  {text!r}")
    for intent in sorted(total):
        print(f"{intent:28} {right[intent]:4} of {total[intent]}")
    print(f"exact: {sum(right.values())} of {sum(total.values())}")


if __name__ == "__main__":
    main()
