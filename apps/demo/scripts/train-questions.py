"""Trains the model that the page ships: it answers sums, roman numerals, dates and reversals, whose answers anyone can check.

Needs Debian's python3-torch, and nothing else: `python3 scripts/train-answers.py --out public/model.safetensors`.
The model is the page's size `small`: a Llama over bytes, as src/transformer computes it. The file is safetensors in f16.
"""

import argparse
import json
import math
import random
import struct
import time

import torch
from torch import nn
from torch.nn import functional as F

CONFIG = {
    "vocabSize": 256,
    "ropeTheta": 10_000,
    "rmsNormEps": 1e-5,
    "dModel": 64,
    "layers": 3,
    "heads": 4,
    "kvHeads": 2,
    "headDim": 16,
    "dFf": 224,
    "context": 1024,
}

BOUNDARY = 0
SYSTEM = "Sums, roman numerals, dates, and words spelled backwards.\n"
MONTHS = "January February March April May June July August September October November December".split()
ROMAN = [
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
    (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
]  # fmt: skip


def roman(n):
    text = ""
    for value, letters in ROMAN:
        text += letters * (n // value)
        n %= value
    return text


def held_out(question):
    """A tenth of all questions is never trained on: FNV-1a of the text, divisible by 10."""
    h = 0x811C9DC5
    for byte in question.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h % 10 == 0


def question_and_answer(rng):
    kind = rng.random()
    if kind < 0.46:
        a, b = (rng.randrange(10 ** rng.choice((1, 2, 3, 3, 3))) for _ in range(2))
        return f"{a} + {b} = ", str(a + b)
    if kind < 0.64:
        n = rng.randrange(1, 4000)
        return f"{n} in roman: ", roman(n)
    if kind < 0.76:
        month = rng.randrange(12)
        day = rng.randrange(1, 29 if month == 1 else 31 if month in (3, 5, 8, 10) else 32)
        year = rng.randrange(1900, 2100)
        return f"{year}-{month + 1:02}-{day:02} is ", f"{day} {MONTHS[month]} {year}"
    word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randrange(2, 9)))
    return f"{word} backwards: ", word[::-1]


def batch(rng, size, is_trained=True):
    """Rows [size, L + 1] of tokens, and which of them are to be predicted."""
    prefix = SYSTEM if rng.random() < 0.15 else ""
    rows, starts = [], []
    while len(rows) < size:
        question, answer = question_and_answer(rng)
        if held_out(question) == is_trained:
            continue
        before = [BOUNDARY, *(prefix + question).encode()]
        rows.append([*before, *answer.encode(), BOUNDARY])
        starts.append(len(before))
    length = max(map(len, rows))
    tokens = torch.zeros(size, length, dtype=torch.long)
    wanted = torch.zeros(size, length, dtype=torch.bool)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = torch.tensor(row)
        wanted[i, starts[i] : len(row)] = True
    return tokens, wanted


class RmsNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + CONFIG["rmsNormEps"]) * self.weight


def linear(inputs, outputs, scale=1.0):
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=scale / math.sqrt(inputs))
    return layer


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        size, dim = CONFIG["dModel"], CONFIG["headDim"]
        self.q_proj = linear(size, CONFIG["heads"] * dim)
        self.k_proj = linear(size, CONFIG["kvHeads"] * dim)
        self.v_proj = linear(size, CONFIG["kvHeads"] * dim)
        self.o_proj = linear(CONFIG["heads"] * dim, size, 1 / math.sqrt(2 * CONFIG["layers"]))

    def forward(self, x, cos, sin, mask):
        rows, length, _ = x.shape
        heads, group = CONFIG["heads"], CONFIG["heads"] // CONFIG["kvHeads"]

        def split(y):
            return y.view(rows, length, -1, CONFIG["headDim"]).transpose(1, 2)

        def rotate(y):
            a, b = y.chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

        q, k, v = rotate(split(self.q_proj(x))), rotate(split(self.k_proj(x))), split(self.v_proj(x))
        k, v = (t.repeat_interleave(group, 1) for t in (k, v))
        scores = q @ k.transpose(-1, -2) / math.sqrt(CONFIG["headDim"]) + mask
        return self.o_proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(rows, length, -1))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        size, hidden = CONFIG["dModel"], CONFIG["dFf"]
        self.gate_proj = linear(size, hidden)
        self.up_proj = linear(size, hidden)
        self.down_proj = linear(hidden, size, 1 / math.sqrt(2 * CONFIG["layers"]))

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm = RmsNorm(CONFIG["dModel"])
        self.self_attn = Attention()
        self.post_attention_layernorm = RmsNorm(CONFIG["dModel"])
        self.mlp = Mlp()

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(CONFIG["vocabSize"], CONFIG["dModel"])
        nn.init.normal_(self.embed_tokens.weight, std=1 / math.sqrt(CONFIG["dModel"]))
        self.layers = nn.ModuleList(Layer() for _ in range(CONFIG["layers"]))
        self.norm = RmsNorm(CONFIG["dModel"])


class Model(nn.Module):
    """Its weights have the names of Llama in Hugging Face Transformers."""

    def __init__(self):
        super().__init__()
        self.model = Decoder()

    def forward(self, tokens):
        length, half = tokens.shape[1], CONFIG["headDim"] // 2
        powers = CONFIG["ropeTheta"] ** (-torch.arange(half) / half)
        angles = torch.arange(length)[:, None] * powers
        mask = torch.full((length, length), -math.inf).triu(1)
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, angles.cos(), angles.sin(), mask)
        return self.model.norm(x) @ self.model.embed_tokens.weight.T


def loss_of(model, tokens, wanted):
    """Cross entropy of the answers' tokens, and the share of answers that are right in every token."""
    inputs, targets, counted = tokens[:, :-1], tokens[:, 1:], wanted[:, 1:]
    logits = model(inputs)
    right = ((logits.argmax(-1) == targets) | ~counted).all(-1).float().mean()
    return F.cross_entropy(logits[counted], targets[counted]), right.item()


@torch.no_grad()
def evaluate(model, seed=1234):
    rng = random.Random(seed)
    return sum(loss_of(model, *batch(rng, 250, is_trained=False))[1] for _ in range(4)) / 4


def write(model, path):
    """Writes safetensors in f16, with the configuration in the metadata."""
    header = {"__metadata__": {"format": "pt", "heed.config": json.dumps(CONFIG)}}
    data = b""
    for name, weight in model.state_dict().items():
        values = weight.half().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F16", "shape": list(weight.shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    rng = random.Random(1)
    model = Model()
    print(sum(p.numel() for p in model.parameters()), "parameters", flush=True)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": norms, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98))
    began = time.time()
    for step in range(options.steps):
        warm = min(1.0, (step + 1) / 200)
        rate = options.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / options.steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, right = loss_of(model, *batch(rng, options.batch))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 250 == 249:
            print(f"step {step + 1}: loss {loss.item():.4f}, trained {right:.3f}, held out {evaluate(model):.3f}, {time.time() - began:.0f} s", flush=True)
            write(model, options.out)
    for name, weight in model.named_parameters():
        weight.data = weight.data.half().float()
    print(f"in f16: {evaluate(model, seed=5678):.4f} of 1,000 held-out answers are right")
    write(model, options.out)


main()
