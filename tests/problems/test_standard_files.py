"""The standard data sets, read from small files in their formats."""

import pickle

import numpy as np
import pytest
import torch

from replications.core.errors import DataError
from replications.problems.resnet18 import resnet18
from replications.problems.standard_files import cifar10, mnist, parallel_text, usable
from tests.standard_data import cifar, write_cifar, write_idx, write_mnist, write_text


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("below", ["", "MNIST/raw"])
def test_mnist(tmp_path, suffix, below):
    written = write_mnist(tmp_path / below, suffix=suffix)
    for part, name in (("train", "train"), ("test", "t10k")):
        images, classes = mnist(tmp_path, part)
        assert images.dtype == torch.uint8 and classes.dtype == torch.int64
        assert np.array_equal(images[:, 0], written[name][0])
        assert np.array_equal(classes, written[name][1])


@pytest.mark.parametrize("binary", [False, True])
def test_cifar10(tmp_path, binary):
    write_cifar(tmp_path, binary=binary)
    images, classes = cifar10(tmp_path)
    assert images.shape == (20, 3, 32, 32) and images.dtype == torch.uint8
    pixels = np.concatenate([cifar(4, seed)[0] for seed in range(5)])
    assert np.array_equal(images[:, 1, 0, 2], pixels[:, 1024 + 2])  # planes, then rows
    assert classes.tolist() == [0, 1, 2, 3] * 5
    assert np.array_equal(cifar10(tmp_path, "test")[0].flatten(1), cifar(4, 5)[0])
    (folder,) = tmp_path.iterdir()
    assert torch.equal(cifar10(folder)[0], images)  # the folder itself may be named, too


def test_parallel_text(tmp_path):
    write_text(tmp_path / "iwslt14.tokenized.de-en")
    source, target = parallel_text(tmp_path)
    assert len(source) == len(target) == 30
    assert [word.upper() for word in source[3][::-1]] == target[3]
    (folder,) = tmp_path.iterdir()
    (folder / "valid.de").write_text("a b\n\nc\n")
    (folder / "valid.en").write_text("x\ny\nz w\n")
    assert parallel_text(folder, "valid") == ([["a", "b"], ["c"]], [["x"], ["z", "w"]])
    (folder / "valid.de").write_text("a\u2028b\nc\x0cd\ne", encoding="utf-8")  # three lines
    assert parallel_text(folder, "valid")[1] == [["x"], ["y"], ["z", "w"]]
    (folder / "valid.de").write_text("a b\n\nc\n")
    (folder / "valid.en").write_text("x\n")
    with pytest.raises(DataError, match=r"parallel text: valid in .* has 3 and 1 lines"):
        parallel_text(folder, "valid")


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (mnist, "MNIST: no file train-images-idx3-ubyte in .*, nor in MNIST/raw there"),
        (cifar10, "CIFAR-10: no file data_batch_1 in .*, nor in cifar-10-batches-py or"),
        (parallel_text, r"parallel text: no file train.de in .*, nor in iwslt14.tokenized.de-en"),
    ],
)
def test_a_missing_file_is_named(tmp_path, read, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("read", [mnist, cifar10])
def test_another_part_is_refused(tmp_path, read):
    with pytest.raises(ValueError, match="part must be one of .*, got 'valid'"):
        read(tmp_path, "valid")


def cut(path, bytes_left):
    path.write_bytes(path.read_bytes()[:bytes_left])


def test_damaged_mnist_is_named(tmp_path):
    write_mnist(tmp_path)
    cut(tmp_path / "train-images-idx3-ubyte", 1000)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte is cut short: its head promises"):
        mnist(tmp_path)
    cut(tmp_path / "train-images-idx3-ubyte", 3)
    with pytest.raises(DataError, match="is no idx file of bytes with 3 axes"):
        mnist(tmp_path)
    write_mnist(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(3))
    with pytest.raises(DataError, match="have 40 images and 3 classes"):
        mnist(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").unlink()
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="cannot be unpacked"):
        mnist(tmp_path, "test")


class Evil:
    def __reduce__(self):
        return eval, ("1/0",)


def test_damaged_cifar_is_named_and_runs_nothing(tmp_path):
    write_cifar(tmp_path / "p")
    path = tmp_path / "p" / "cifar-10-batches-py" / "data_batch_1"
    cut(path, 500)
    with pytest.raises(DataError, match="data_batch_1 is no batch of images"):
        cifar10(tmp_path / "p")
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match="it names builtins.eval"):
        cifar10(tmp_path / "p")
    write_cifar(tmp_path / "b", binary=True)
    cut(tmp_path / "b" / "cifar-10-batches-bin" / "data_batch_2.bin", 5000)
    with pytest.raises(DataError, match=r"data_batch_2.bin is no whole number of images"):
        cifar10(tmp_path / "b")


def test_device(monkeypatch):
    assert usable("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DataError, match="torch finds no device cuda:1 here; --device cpu takes"):
        usable("cuda:1")


def test_resnet18_is_the_usual_one():
    net = resnet18()
    assert sum(p.numel() for p in net.parameters()) == 11_173_962
    small = resnet18(width=4)
    assert small(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
