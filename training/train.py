"""Trains the LoRA adapter of the planner and writes it as safetensors."""

import argparse
import ctypes
import json
import math
import os
import random
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as group
import torch.multiprocessing as processes
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file

from model import BASE, CHAT, END, Base, Lora, gguf_of


def encode(tokenizer, path: Path):
    """Examples as (tokens, length of the prompt)."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    prompts = tokenizer.encode_batch([CHAT.format(line["prompt"]) for line in lines])
    targets = tokenizer.encode_batch([line["target"] + END for line in lines])
    return [(p.ids + t.ids, len(p.ids)) for p, t in zip(prompts, targets)]


def batches(examples, budget: int, seed: int):
    """Batches of at most so many tokens, padding included, of examples of similar length, in random order."""
    order = random.Random(seed)
    examples = examples[:]
    order.shuffle(examples)
    result = []
    for start in range(0, len(examples), 2048):
        window = sorted(examples[start : start + 2048], key=lambda example: len(example[0]))
        batch, groups = [], []
        for example in window:
            if batch and (len(batch) + 1) * len(example[0]) > budget:
                groups.append(batch)
                batch = []
            batch.append(example)
        groups.append(batch)
        order.shuffle(groups)
        result += groups
    return result


def loss_of(model, batch):
    """Mean cross entropy over the targets, every example weighing the same as its count of tokens."""
    width = max(len(tokens) for tokens, _ in batch)
    padded = torch.tensor([tokens + [0] * (width - len(tokens)) for tokens, _ in batch])
    places = [(row * width + at) for row, (tokens, start) in enumerate(batch) for at in range(start - 1, len(tokens) - 1)]
    wanted = torch.tensor([token for tokens, start in batch for token in tokens[start:]])
    return F.cross_entropy(model(padded, torch.tensor(places)).float(), wanted)


def export(model, path: Path, seed: int):
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for side, factors in (("a", model.a), ("b", model.b)):
        for key, value in factors.items():
            layer, name = key.split("-")
            tensors[f"blk.{layer}.{name}.lora_{side}"] = value.detach().bfloat16().contiguous()
    save_file(tensors, path, {"scale": str(model.scale), "base": BASE, "seed": str(seed)})


@torch.no_grad()
def load(model, path: Path):
    """Takes over the factors that `export` wrote. A file of another base, rank or scale would be another model."""
    with safe_open(path, "pt") as file:
        about = file.metadata()
        if about["base"] != BASE or float(about["scale"]) != model.scale:
            raise SystemExit(f"{path} is of {about['base']} with scale {about['scale']}, not of {BASE} with {model.scale}")
        for side, factors in (("a", model.a), ("b", model.b)):
            for key, value in factors.items():
                layer, name = key.split("-")
                written = file.get_tensor(f"blk.{layer}.{name}.lora_{side}")
                if written.shape != value.shape:
                    raise SystemExit(f"{path} has rank {min(written.shape)}, not {min(value.shape)}")
                value.copy_(written.float())


def save(path: Path, model, optimizer, step, spent):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "minutes": spent}
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").rename(path)


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, required=True, help="what is written")
    parser.add_argument("--state", type=Path, required=True, help="checkpoint, written every 50 steps")
    parser.add_argument("--resume", action="store_true", help="go on in the data where the checkpoint stands")
    parser.add_argument("--from-state", type=Path, help="begin a new run with the factors of a checkpoint")
    parser.add_argument("--from-adapter", type=Path, help="begin a new run with the factors of a written adapter")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--scale", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--tokens", type=int, default=4096, help="of a step and worker, padding included")
    parser.add_argument("--minutes", type=float, help="wall clock; the rate falls to its end in this time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes of one thread each")
    return parser.parse_args()


def main():
    arguments = options()
    # One thread each: threads that share an operation lose most of their time waiting for each other.
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        processes.spawn(work, (arguments, f"file://{folder}/group"), nprocs=arguments.workers)


def work(worker, arguments, meeting):
    torch.set_num_threads(1)
    group.init_process_group("gloo", init_method=meeting, rank=worker, world_size=arguments.workers)
    torch.manual_seed(arguments.seed)
    base = Base(gguf_of(arguments.wheel))
    model = Lora(base, arguments.rank, arguments.scale)
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    examples = encode(base.tokenizer, arguments.data)
    if worker == 0:
        print(f"{len(examples)} examples, {sum(len(tokens) for tokens, _ in examples)} tokens", flush=True)
    steps = batches(examples, arguments.tokens, arguments.seed)
    steps = list(zip(*(steps[own :: arguments.workers] for own in range(arguments.workers))))
    first, spent = 0, 0.0
    if arguments.from_adapter:
        load(model, arguments.from_adapter)
    if arguments.from_state:
        model.load_state_dict(torch.load(arguments.from_state, weights_only=True)["model"])
    if arguments.resume:
        state = torch.load(arguments.state, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, spent = state["step"], state["minutes"]
    model.merge()
    spent = train(worker, arguments, model, optimizer, steps, first, spent)
    if worker == 0:
        save(arguments.state, model, optimizer, len(steps), spent)
        export(model, arguments.adapter, arguments.seed)


def rate(progress: float, step: int, highest: float) -> float:
    """Warm-up over 20 steps, then a cosine down to a twentieth."""
    return highest * min(1.0, (step + 1) / 20) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))


def average_gradients(model, workers):
    gradients = [parameter.grad for parameter in model.parameters()]
    flat = torch._utils._flatten_dense_tensors(gradients)
    group.all_reduce(flat)
    flat /= workers
    for gradient, averaged in zip(gradients, torch._utils._unflatten_dense_tensors(flat, gradients)):
        gradient.copy_(averaged)


def train(worker, arguments, model, optimizer, steps, first, spent):
    """Trains from step `first`, `spent` minutes into the time; returns the minutes at the end."""
    began, before, seen, shown = time.monotonic(), spent, 0, 0.0
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    for step in range(first, len(steps)):
        spent = before + (time.monotonic() - began) / 60
        # The clock of the first worker counts, or one would stop before another.
        progress = torch.tensor(max(step / len(steps), spent / arguments.minutes if arguments.minutes else 0.0))
        group.broadcast(progress, 0)
        if progress >= 1.0:
            break
        for parameters in optimizer.param_groups:
            parameters["lr"] = rate(progress.item(), step - first, arguments.rate)
        loss = loss_of(model, steps[step][worker])
        loss.backward()
        average_gradients(model, arguments.workers)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        model.merge()
        seen += sum(len(tokens) for batch in steps[step] for tokens, _ in batch)
        shown = loss.item() if step == first else 0.95 * shown + 0.05 * loss.item()
        # Batches of ever other widths leave holes, and the allocator keeps what it has: half a gigabyte more with every step.
        if step % 3 == 0 and trim:
            trim(0)
        if worker == 0 and step % 10 == 0:
            speed = seen / (time.monotonic() - began)
            print(f"step {step} of {len(steps)}, loss {shown:.4f}, {speed:.0f} tokens/s, {spent:.1f} min", flush=True)
        if worker == 0 and step % 50 == 49:
            save(arguments.state, model, optimizer, step + 1, spent)
            export(model, arguments.adapter, arguments.seed)
    return spent


if __name__ == "__main__":
    main()
