"""The batched Transformer against torch.nn's, model by model, and exactly at the output."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer


def outside_logits(net: Transformer, params, source, target):  # type: ignore[no-untyped-def]
    """One model by torch.nn.Transformer{En,De}coderLayer with our weights put in."""
    weights = iter(params)
    d, length = net.width, source.shape[1]
    options = {"dropout": 0.0, "batch_first": True, "norm_first": net.pre_norm}

    def linear(layer) -> None:  # type: ignore[no-untyped-def]
        layer.weight.data, layer.bias.data = next(weights).T.contiguous(), next(weights)[0]

    def self_attention(layer) -> None:  # type: ignore[no-untyped-def]
        layer.in_proj_weight.data = next(weights).T.contiguous()
        layer.in_proj_bias.data = next(weights)[0]
        linear(layer.out_proj)

    def cross_attention(layer) -> None:  # type: ignore[no-untyped-def]
        query, bias_q, both, bias_kv = (next(weights) for _ in range(4))
        layer.in_proj_weight.data = torch.cat([query, both], dim=1).T.contiguous()
        layer.in_proj_bias.data = torch.cat([bias_q, bias_kv], dim=1)[0]
        linear(layer.out_proj)

    words, starts = next(weights), next(weights)
    place = torch.arange(length)[:, None] * torch.exp(-math.log(1e4) * torch.arange(0, d, 2) / d)
    positions = torch.cat([place.sin(), place.cos()], dim=1)
    before = torch.cat([torch.full_like(target[:, :1], net.vocabulary), target[:, :-1]], dim=1)
    x = words[source] * math.sqrt(d) + positions
    y = starts[before] * math.sqrt(d) + positions
    for _ in range(net.layers):
        layer = nn.TransformerEncoderLayer(d, net.heads, net.hidden, **options)  # type: ignore[arg-type]
        self_attention(layer.self_attn)
        linear(layer.linear1)
        linear(layer.linear2)
        x = layer(x)
    x = nn.functional.layer_norm(x, (d,)) if net.pre_norm else x
    mask = nn.Transformer.generate_square_subsequent_mask(length)
    for _ in range(net.layers):
        layer = nn.TransformerDecoderLayer(d, net.heads, net.hidden, **options)  # type: ignore[arg-type]
        self_attention(layer.self_attn)
        cross_attention(layer.multihead_attn)
        linear(layer.linear1)
        linear(layer.linear2)
        y = layer(y, x, tgt_mask=mask)
    y = nn.functional.layer_norm(y, (d,)) if net.pre_norm else y
    return y @ next(weights) + next(weights)


@pytest.mark.parametrize("pre_norm", [False, True])
def test_equals_torch_nn(pre_norm: bool) -> None:
    net = Transformer(vocabulary=9, layers=2, width=16, hidden=24, heads=4, pre_norm=pre_norm)
    task = Reversal((1, 2), vocabulary=9, length=5)
    source = task.batches(1, 3)[0]
    target = task.translate(source)
    random = torch.Generator().manual_seed(0)
    params = [p + 0.1 * torch.randn(p.shape, generator=random) for p in net.init((1, 2))]
    ours = net.logits(params, source, target).view(2, 3, 5, 9)
    for i in range(2):
        theirs = outside_logits(net, [p[i] for p in params], source[i], target[i])
        assert (ours[i] - theirs).abs().max() < 1e-5  # float32 through two layers
        loss = nn.functional.cross_entropy(theirs.flatten(0, 1), target[i].flatten())
        assert net.losses(params, source, target)[i].item() == pytest.approx(loss.item(), abs=1e-5)
        right = (theirs.argmax(2) == target[i]).float().mean()
        assert net.accuracy(params, source, target)[i].item() == pytest.approx(right.item())


def test_the_future_is_hidden() -> None:
    net = Transformer(layers=1, width=16, hidden=16)
    task = Reversal((0,))
    source = task.batches(1, 2)[0]
    target = task.translate(source)
    changed = target.clone()
    changed[:, :, 7:] = 0
    params = net.init((0,))
    a, b = (net.logits(params, source, t).view(2, 12, 32) for t in (target, changed))
    assert torch.allclose(a[:, :8], b[:, :8], atol=1e-6)  # place 8 sees the first seven words
    assert not torch.allclose(a[:, 8:], b[:, 8:], atol=1e-3)


def test_models_are_their_seeds_and_do_not_interact() -> None:
    net = Transformer(layers=1, width=16, hidden=16)
    pair, alone = net.init((4, 5)), net.init((5,))
    assert all(torch.equal(p[1:], q) for p, q in zip(pair, alone, strict=True))
    for p in pair:
        p.requires_grad_()
    task = Reversal((4, 5))
    source = task.batches(1, 2)[0]
    loss = net.losses(pair, source, task.translate(source))[0]
    grads = torch.autograd.grad(loss, pair)
    assert all(g[1].abs().max() == 0 for g in grads)


def test_first_weights_have_no_mean() -> None:
    for p in Transformer(layers=1, width=16, hidden=32).init(range(20)):
        scatter = p.std() / p.numel() ** 0.5
        assert scatter == 0 or abs(p.mean()) < 5 * scatter  # 0: gains and biases


def test_the_papers_depth_has_half_a_million_weights() -> None:
    assert sum(p[0].numel() for p in Transformer().init((0,))) == 504_672


def test_bad_input_is_named() -> None:
    for wrong in ({"width": 30, "heads": 4}, {"width": 9, "heads": 3}, {"layers": 0}):
        with pytest.raises(ValueError, match="width must be even and divisible by heads, and"):
            Transformer(**wrong)
