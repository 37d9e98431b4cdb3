"""The presets of the papers' size, each on files of a few lines or images: they run, and learn.

At their size they were never run here. On a machine with CUDA they run there as well.
"""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from replications import cli
from replications.core import registry, store
from replications.core.experiment import DATA_VARIABLE, Experiment
from replications.core.seeds import generator
from replications.papers.lookahead.experiments.cifar import crop_and_flip
from replications.papers.radam.experiments import iwslt
from tests.standard_data import write_cifar, write_mnist, write_text

TINY = {
    "lookahead": {"epochs": 2, "drops": (1,), "batch": 8, "width": 2},
    "implicit": {"outer": 12, "looks": 4, "train": 10, "val": 10, "inner_rate": 1e-2},
    "pes": {"horizon": 20, "updates": 4, "pairs": 3, "hidden": 5, "batch": 4, "train": 30,
            "points": 2, "fresh": 2},
    "radam": {"updates": 12, "words": 60, "layers": 1, "width": 8, "heads": 2, "hidden": 16,
              "looks": 4, "learning_rate": 1e-2, "clip": 1.0},
}  # fmt: skip
DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(
            not torch.cuda.is_available(), reason="torch finds no CUDA device here"
        ),
    ),
]
EXPERIMENTS = {
    slug: next(e for e in registry.paper(slug).experiments.values() if e.paper) for slug in TINY
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_mnist(folder)
    write_cifar(folder)
    write_text(folder)
    return folder


def tiny(slug, folder, device="cpu", which=0, **changes):
    config = EXPERIMENTS[slug].paper[which]
    return replace(config, folder=str(folder), device=device, **(TINY[slug] | changes))


def test_every_paper_has_one_and_its_arms_differ():
    everything = {
        f"{slug}/{e.name}"
        for slug in registry.slugs()
        for e in registry.paper(slug).experiments.values()
        if e.paper
    }
    assert everything == {"lookahead/cifar", "implicit/mnist", "pes/mnist", "radam/iwslt"}
    for experiment in EXPERIMENTS.values():
        assert len(set(experiment.paper)) == len(experiment.paper) > 1
        assert {"folder", "device", "seed"} <= {f.name for f in fields(experiment.paper[0])}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("slug", TINY)
def test_a_few_steps(slug, device, data):
    experiment = EXPERIMENTS[slug]
    arms = [i for i, config in enumerate(experiment.paper) if config.seed == 0]
    parts = [experiment(tiny(slug, data, device, i)) for i in arms]
    for part in parts:
        assert all(np.isfinite(v).all() for v in part.data_vars.values())
        assert all("long_name" in v.attrs for v in part.data_vars.values())
    assert experiment._joined(parts).sizes["run"] == len(arms) > 1
    seen = {str([v.values.tolist() for v in part.data_vars.values()]) for part in parts}
    assert len(seen) == len(arms)  # what an arm is named after makes a difference
    if device == "cpu":
        assert experiment(tiny(slug, data, device, arms[0])).identical(parts[0])


def test_they_learn(data):
    first = {
        "lookahead": EXPERIMENTS["lookahead"](tiny("lookahead", data, epochs=6, drops=(5,))),
        "radam": EXPERIMENTS["radam"](tiny("radam", data, updates=60, dropout=0.0)),
        "implicit": EXPERIMENTS["implicit"](tiny("implicit", data, outer=60)),
    }
    loss = first["lookahead"]["loss"].values[0]
    assert loss[-1] < 0.9 * loss[0]
    loss = first["radam"]["loss"].values[0]
    assert loss[-1] < 0.8 * loss[0] and loss[0] < 1.5 * math.log2(14)
    accuracy = first["implicit"]["accuracy"].sel(set="val").values[0]
    assert accuracy[-1] > accuracy[0]


def test_crops_keep_whole_pixels():
    images = torch.arange(1, 2 * 3 * 32 * 32 + 1, dtype=torch.int32).view(2, 3, 32, 32)
    images = images.repeat(30, 1, 1, 1)
    moved = crop_and_flip(images, generator(0, "test"))
    assert moved.shape == images.shape
    mirrored = 0
    for before, after in zip(images, moved, strict=True):
        seen = after[0][after[0] > 0].view(-1)
        assert 28 * 28 <= len(seen) <= 32 * 32 and set(seen.tolist()) <= set(
            before[0].flatten().tolist()
        )
        planes = after[:, after[0] > 0]
        assert (planes[1] - planes[0] == 1024).all()  # all three planes move together
        row = after[0][16][after[0][16] > 0]
        mirrored += int((row.diff() == -1).all())
    assert 15 <= mirrored <= 45


def test_batches_hold_every_sentence_once_and_no_more_than_the_words():
    draw = np.random.default_rng(0)
    pairs = [
        ([4 + i] * int(draw.integers(1, 9)), [4 + i] * int(draw.integers(2, 9))) for i in range(50)
    ]
    found = iwslt.batches(pairs, 40)
    assert all(max(a.numel(), b.numel()) <= 40 for a, b in found)
    assert sorted(int(row[0]) for a, _ in found for row in a) == list(range(4, 54))
    for a, b in found:
        for source, target in zip(a, b, strict=True):
            assert [x for x in source.tolist() if x] == pairs[int(source[0]) - 4][0]
            assert [x for x in target.tolist() if x] == pairs[int(source[0]) - 4][1]


def test_padding_changes_no_score():
    net = iwslt.Translator(tiny("radam", "", dropout=0.0), 9, 9)
    source, target = torch.tensor([[4, 5, 2]]), torch.tensor([[1, 6, 7]])
    alone = net(source, target)
    padded = net(torch.tensor([[4, 5, 2, 0, 0]]), torch.tensor([[1, 6, 7, 0]]))
    torch.testing.assert_close(padded[:, :3], alone)
    later = net(source, torch.tensor([[1, 6, 8]]))
    torch.testing.assert_close(later[:, :2], alone[:, :2])  # no look ahead


def test_command_line(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    experiment = EXPERIMENTS["pes"]
    monkeypatch.setattr(experiment, "paper", tuple(tiny("pes", "", which=i) for i in (0, 3)))
    command = ["run", "pes", "--tier", "paper"]

    def fails(*arguments):
        assert cli.main([*command, *arguments]) == 2
        return capsys.readouterr().err

    assert fails() == (
        "pes/mnist reads standard files: name their folder by --data FOLDER or REPLICATIONS_DATA\n"
    )
    assert fails("--data", "/nowhere") == "there is no folder /nowhere\n"
    empty = fails("--data", str(tmp_path), "--device", "cpu")
    assert empty.startswith("MNIST: no file train-images-idx3-ubyte in ")
    assert empty.count("\n") == 1
    assert cli.main([*command, "--data", str(data), "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    assert "pes/mnist: " in shown and "truncated" not in shown and "loss" in shown
    monkeypatch.setenv(DATA_VARIABLE, str(data))
    monkeypatch.setattr(Experiment, "_at_worker", None)  # the second time it is in the cache
    assert cli.main([*command, "--device", "cpu"]) == 0
    assert capsys.readouterr().out == shown
    assert fails("--only", "digits") == "digits has no paper preset\n"
