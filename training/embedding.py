"""Distils the static embedding of the knowledge base (assets/knowledge/embedding.bin) from a sentence encoder.

Every word piece of the encoder is encoded by itself; the vectors are centred, turned onto their principal axes, cut to
DIMENSIONS and weighted by how rare the piece is (its rank in the vocabulary stands for its frequency). A text's vector
is then the sum of the vectors of its pieces: no network runs where Sayso does.

    python training/embedding.py MODEL_FOLDER assets/knowledge/embedding.bin

MODEL_FOLDER holds model.safetensors and tokenizer.json of all-MiniLM-L6-v2 (Apache-2.0); see requirements.txt there.
"""

import json
import struct
import sys

import numpy as np

DIMENSIONS = 128
LAYERS, HEADS = 6, 12


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
    write(sys.argv[2], *distil(sys.argv[1]))
