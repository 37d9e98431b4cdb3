"""Figures 1 to 3 at the paper's size: a post-LN Transformer on IWSLT'14, for a GPU and a night.

Not run for this book: no number of it stands in any chapter. The small relative is `translation`.
One config is one arm and one seed; a seed has the same first weights and batches in every arm.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from replications.core.experiment import experiment
from replications.core.seeds import generator, rng
from replications.methods.adam_variants import linear_warmup
from replications.methods.radam import RAdam
from replications.problems.standard_files import Sentences, parallel_text, usable

PAD, START, END, UNKNOWN = range(4)
Pair = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Config:
    """Read in the paper's v4 and in the authors' recipes where nothing else is said."""

    arm: str = "Adam"
    warmup: int = 0
    """4000 in the paper's warm-up arm."""
    learning_rate: float = 3e-4
    beta2: float = 0.999
    """As in Figure 1."""
    weight_decay: float = 1e-4
    """Decoupled."""
    clip: float = 25.0
    """Largest norm of the gradient."""
    updates: int = 70_000
    """The rate falls linearly to 0 at this one."""
    words: int = 4000
    """Of a batch, of the longer side and with padding; the paper's "max tokens"."""
    layers: int = 6
    width: int = 512
    heads: int = 4
    hidden: int = 1024
    dropout: float = 0.3
    smoothing: float = 0.1
    vocabulary: int = 10_000
    """Words of each language, the most frequent ones; ours."""
    longest: int = 175
    """Longer sentences are left out; ours."""
    looks: int = 700
    """How often the training loss is noted; ours."""
    seed: int = 0
    folder: str = ""
    """Of train.de, train.en, valid.de, valid.en: given on the command line."""
    device: str = "cuda"


ARMS = {"Adam": 0, "warm-up": 4000, "RAdam": 0}
PAPER = tuple(Config(arm, warmup, seed=seed) for arm, warmup in ARMS.items() for seed in range(3))


class Translator(nn.Module):
    """torch's post-LN layers between tables of words; fairseq draws q, k and v with a gain."""

    def __init__(self, config: Config, source: int, target: int) -> None:
        super().__init__()
        self.width = config.width
        tables = [nn.Embedding(n, config.width) for n in (source, target)]
        for table in tables:
            nn.init.normal_(table.weight, std=config.width**-0.5)
        self.tables = nn.ModuleList(tables)
        shape = (config.width, config.heads, config.hidden, config.dropout)
        encoder = nn.TransformerEncoderLayer(*shape, batch_first=True)
        decoder = nn.TransformerDecoderLayer(*shape, batch_first=True)
        self.encoder = nn.TransformerEncoder(encoder, config.layers, enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(decoder, config.layers)
        for stack in (self.encoder, self.decoder):  # the layers were copies of one
            for weight in stack.parameters():
                if weight.dim() > 1:
                    nn.init.xavier_uniform_(weight)
        self.output = nn.Linear(config.width, target)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Scores of the words after each word of the target."""
        size = target.shape[1]
        ahead = torch.ones(size, size, dtype=torch.bool, device=target.device).triu(1)
        read = self.encoder(self._embed(0, source), src_key_padding_mask=source == PAD)
        states = self.decoder(
            self._embed(1, target),
            read,
            tgt_mask=ahead,
            tgt_key_padding_mask=target == PAD,
            memory_key_padding_mask=source == PAD,
        )
        return self.output(states)

    def _embed(self, which: int, words: Tensor) -> Tensor:
        place = torch.arange(words.shape[1], device=words.device)[:, None]
        rate = torch.exp(
            torch.arange(0, self.width, 2, device=words.device) * (-math.log(1e4) / self.width)
        )
        waves = torch.cat([(place * rate).sin(), (place * rate).cos()], dim=1)
        return self.dropout(self.tables[which](words) * math.sqrt(self.width) + waves)


@experiment(paper=PAPER, along="run")
def iwslt(config: Config) -> xr.Dataset:
    """Train one arm on one seed."""
    device = usable(config.device)
    train, valid = (parallel_text(config.folder, part) for part in ("train", "valid"))
    words = [vocabulary(side, config.vocabulary) for side in train]
    train_pairs, valid_pairs = (_numbers(part, words, config.longest) for part in (train, valid))
    with torch.random.fork_rng():  # dropout draws from torch's own streams
        torch.manual_seed(generator(config.seed, "iwslt").initial_seed())
        net = Translator(config, *(len(side) + 4 for side in words)).to(device)
        optimizer = _optimizer(config, net)
        every = max(1, config.updates // config.looks)
        noted, running = [], torch.zeros((), device=device)
        for step, batch in zip(
            range(1, config.updates + 1), _forever(train_pairs, config), strict=False
        ):
            rate = config.learning_rate * (1 - (step - 1) / config.updates)
            rate *= linear_warmup(step, config.warmup) if config.warmup else 1.0
            optimizer.param_groups[0]["lr"] = rate
            loss = _loss(net, batch, device, config.smoothing)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), config.clip)
            optimizer.step()
            running += loss.detach()
            if step % every == 0:
                noted.append(float(running) / every / math.log(2))
                running.zero_()
        net.eval()
        with torch.no_grad():
            found = [
                (float(_loss(net, batch, device, 0.0)), int((batch[1][:, 1:] != PAD).sum()))
                for batch in batches(valid_pairs, config.words)
            ]
    return xr.Dataset(
        {
            "loss": (
                ("run", "step"),
                [noted],
                {"long_name": "training loss with smoothed labels", "units": "bits a word"},
            ),
            "valid": (
                "run",
                [sum(a * n for a, n in found) / sum(n for _, n in found) / math.log(2)],
                {"long_name": "validation loss at the end", "units": "bits a word"},
            ),
        },
        coords={
            "run": [f"{config.arm}, seed {config.seed}"],
            "arm": ("run", [config.arm]),
            "seed": ("run", [config.seed]),
            "step": np.arange(every, config.updates + 1, every),
        },
    )


def vocabulary(sentences: Sentences, size: int) -> dict[str, int]:
    """Numbers from 4 on for the most frequent words, ties in the alphabet's order."""
    counts = Counter(word for sentence in sentences for word in sentence)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: 4 + i for i, word in enumerate(ranked[:size])}


def batches(pairs: list[Pair], words: int) -> list[tuple[Tensor, Tensor]]:
    """Sentences of similar length together, as many as fit: [sentences, longest] with padding."""
    found: list[list[Pair]] = []
    longest = 0
    for pair in sorted(pairs, key=lambda pair: (len(pair[1]), len(pair[0]))):
        size = max(map(len, pair))
        if not found or max(longest, size) * (len(found[-1]) + 1) > words:
            found.append([])
            longest = 0
        found[-1].append(pair)
        longest = max(longest, size)
    return [
        tuple(  # type: ignore[misc]  # two sides
            nn.utils.rnn.pad_sequence([torch.tensor(s) for s in side], True, PAD)
            for side in zip(*batch, strict=True)
        )
        for batch in found
    ]


def _numbers(
    part: tuple[Sentences, Sentences], words: list[dict[str, int]], longest: int
) -> list[Pair]:
    numbers = (
        ([words[0].get(w, UNKNOWN) for w in a] + [END], [words[1].get(w, UNKNOWN) for w in b])
        for a, b in zip(*part, strict=True)
    )
    return [(a, [START, *b, END]) for a, b in numbers if max(len(a), len(b)) <= longest]


def _forever(pairs: list[Pair], config: Config) -> Iterator[tuple[Tensor, Tensor]]:
    """The same batches in a new order each time round."""
    packed, source = batches(pairs, config.words), rng(config.seed, "iwslt", "order")
    while True:
        yield from (packed[i] for i in source.permutation(len(packed)))


def _loss(
    net: Translator, batch: tuple[Tensor, Tensor], device: torch.device, smoothing: float
) -> Tensor:
    """Mean over the words of the target, in nats."""
    source, target = (side.to(device) for side in batch)
    scores = net(source, target[:, :-1])
    return F.cross_entropy(
        scores.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=smoothing
    )


def _optimizer(config: Config, net: nn.Module) -> torch.optim.Optimizer:
    betas = (0.9, config.beta2)
    if config.arm == "RAdam":
        return RAdam(
            net.parameters(), config.learning_rate, betas, 1e-8, config.weight_decay, threshold=5.0
        )
    return torch.optim.AdamW(
        net.parameters(), config.learning_rate, betas, weight_decay=config.weight_decay
    )
