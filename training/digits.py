"""Trains the classifier of handwritten digits: an image is 784 pixels in a row, and each pixel is a token.

    python training/digits.py --data DATA/mnist --out runs/digits/linformer
    python training/digits.py --data DATA/mnist --out runs/digits/linformer --export models/digits.safetensors
    python training/digits.py --data DATA/mnist --out runs/digits/linformer --measure models/digits.safetensors

Grey level g is token g + 1, so the tokenizer has 256 tokens of one byte each: a text is read as its bytes. In training the 256 levels
are 32; at the end the eight levels of each have the same vector. 5,000 training images are held out to choose by; `test` is only
for --measure, which asks the engine (digits.js). --attention none and full train the twins.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import zstandard
from torch import Tensor

import loop
from evaluate import calibration_error
from heads import figure, mistakes, typicality, write_figures
from initial import without_attention
from model import Config, Linformer
from model_file import decode, encode, save_model, state_dict

SIDE = 28
LEVEL = 8  # grey levels that training sees as one
HELD_OUT = 5000
LIKE = 2000  # of the held-out images, for typicality
LABELS = [str(digit) for digit in range(10)]
ABOUT = {"license": "MIT", "trained_on": "MNIST (LeCun, Cortes and Burges; CC BY-SA 3.0)"}


def read(data: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, 784] and labels [n], uint8"""
    images, labels = (zstandard.decompress((data / f"{split}_{part}_u8.zst").read_bytes()) for part in ("images", "labels"))
    return np.frombuffer(images, np.uint8).reshape(-1, SIDE * SIDE), np.frombuffer(labels, np.uint8)


def shifted(images: np.ndarray, rng: np.random.Generator, most: int) -> np.ndarray:
    """Each image moved by up to `most` pixels to each side; what comes in is paper."""
    square = np.pad(images.reshape(-1, SIDE, SIDE), ((0, 0), (most, most), (most, most)))
    dy, dx = rng.integers(0, 2 * most + 1, (2, len(images)))
    rows, columns = np.arange(SIDE)[None, :, None] + dy[:, None, None], np.arange(SIDE)[None, None, :] + dx[:, None, None]
    return square[np.arange(len(images))[:, None, None], rows, columns].reshape(len(images), -1)


def tokens(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images.astype(np.int64) // LEVEL * LEVEL + 1)


def accuracy(model: Linformer, images: np.ndarray, labels: np.ndarray) -> float:
    right = 0
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for at in range(0, len(images), 100):
            ids = tokens(images[at : at + 100])
            right += (model(ids, torch.ones_like(ids, dtype=torch.bool)).argmax(1).numpy() == labels[at : at + 100]).sum()
    return 100 * float(right) / len(images)


def byte_tables() -> dict:
    offsets = np.array([max(0, i - 1) for i in range(258)], dtype=np.uint32)
    return {"vocab": np.arange(256, dtype=np.uint8), "offsets": offsets, "merges": np.zeros((0, 2), dtype=np.uint32), "lowercase": False}


@torch.inference_mode()
def pooled(model: Linformer, images: np.ndarray) -> np.ndarray:
    """The trunk's vectors of images, [n, d_model]"""
    out = []
    for at in range(0, len(images), 100):
        ids = tokens(images[at : at + 100])
        mask = torch.ones_like(ids, dtype=torch.bool)
        out.append(model.pooled(ids, model.encode(ids, mask)[-1], mask).numpy())
    return np.concatenate(out)


def export(saved: dict, data: Path, path: Path) -> None:
    """Writes the model, and tests/golden/digits.json: what PyTorch computes in float64 with the file's weights

    Its typicality is of images that it was not trained on.
    """
    config = Config(**saved["config"])
    model = Linformer(config)
    model.load_state_dict(saved["model"])
    table = model.embed["token"].weight.data
    table[1:] = table[1 + torch.arange(256) // LEVEL * LEVEL]
    encoded = encode(model.tensors(), "I8")
    model.load_state_dict(state_dict(decode(encoded), config))
    model.eval()
    like = typicality(pooled(model, read(data, "train")[0][:LIKE]))
    save_model(path, {**encoded, **like}, config, LABELS, byte_tables(), ABOUT["license"], ABOUT["trained_on"], name="digits")
    model = model.double()
    # Drawn by a formula, so that no image of the data is among the tests
    y, x = np.mgrid[:SIDE, :SIDE]
    ring = np.abs(np.hypot(x - 13.5, (y - 13.5) * 0.75) - 6.5)
    bar = np.abs(x - 13.5 + (y - 13.5) * 0.1) + 10 * (np.abs(y - 13.5) > 9.5)
    drawn = [np.clip(255 * (2.2 - distance), 0, 255).astype(np.uint8).ravel() for distance in (ring, bar)]
    rows = []
    for image in [*drawn, np.zeros(SIDE * SIDE, np.uint8)]:
        ids = torch.from_numpy(image.astype(np.int64) + 1)[None]
        with torch.no_grad():
            logits = model(ids, torch.ones_like(ids, dtype=torch.bool))[0]
        rows.append({"ids": ids[0].tolist(), "logits": [round(value, 6) for value in logits.tolist()]})
    (Path(__file__).parent.parent / "tests" / "golden" / "digits.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size:,} bytes")


def moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    return np.roll(images.reshape(-1, SIDE, SIDE), (down, right), (1, 2)).reshape(len(images), -1)


def measure(data: Path, path: Path) -> None:
    """What the engine has right of `test`, and of the same images two pixels aside, into training/digits.json"""
    images, labels = read(data, "test")
    truth, figures = labels.astype(int), {}
    for name, part in (("test", images), ("two pixels to the right", moved(images, 0, 2)), ("two pixels down", moved(images, 2, 0))):
        command = ["node", str(Path(__file__).parent / "digits.js"), str(path)]
        answer = subprocess.run(command, input=part.tobytes(), stdout=subprocess.PIPE, check=True)
        results = [json.loads(line) for line in answer.stdout.splitlines()]
        guess = np.array([int(result["label"]) for result in results])
        right = guess == truth
        figures[name] = {"images": len(right), "accuracy": figure(lambda rows, right=right: 100 * right[rows].mean(), len(right)),
                         "ECE": round(100 * calibration_error(np.array([result["score"] for result in results]), right), 2)}  # fmt: skip
        if name == "test":
            figures["mistakes"] = mistakes(truth, guess)
            figures["labels"] = {label: round(100 * float(right[truth == int(label)].mean()), 1) for label in LABELS}
        print(name, figures[name], flush=True)
    write_figures(Path(__file__).parent / "digits.json", path, figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of MNIST as zstd-compressed bytes")
    parser.add_argument("--out", type=Path, required=True, help=loop.HELP["out"])
    parser.add_argument("--export", type=Path, help="write the model file of OUT/model.pt instead of training")
    parser.add_argument("--measure", type=Path, help="measure this model file on `test` instead")
    parser.add_argument("--test", action="store_true", help="say what OUT/model.pt has right of `test`: for the twins, which have no file")
    parser.add_argument("--attention", choices=("linformer", "none", "full"), default="linformer")
    for name, default in {"epochs": 4, "batch": 64, "lr": 2e-3, "d_model": 64, "layers": 2, "k": 64, "stem": 64, "shift": 1, "seed": 1}.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    args = parser.parse_args()
    if args.export:
        export(torch.load(args.out / "model.pt", weights_only=True), args.data, args.export)
        return

    if args.measure:
        measure(args.data, args.measure)
        return
    if args.test:
        saved = torch.load(args.out / "model.pt", weights_only=True)
        model = Linformer(Config(**saved["config"])).eval()
        model.load_state_dict(saved["model"])
        print(f"{args.out}: {accuracy(model, *read(args.data, 'test')):.2f}% of test")
        return

    log = loop.start(args)
    images, labels = read(args.data, "train")
    config = Config(vocab_size=257, n_max=SIDE * SIDE, d_model=args.d_model, n_layers=args.layers, n_heads=4, d_ff=2 * args.d_model,
                    n_classes=10, k=[args.k] * args.layers, attention="full" if args.attention == "full" else "linformer", stem=args.stem)  # fmt: skip
    model = Linformer(config)
    if args.attention == "none":
        without_attention(model)
    log(f"{sum(p.numel() for p in model.parameters()):,} parameters, {json.dumps(config.to_dict())}")
    optimizer = loop.adamw(model, args.lr, 0.05)

    def batches(epoch: int) -> list:
        order = list(range(HELD_OUT, len(images)))
        random.Random(f"{args.seed} {epoch}").shuffle(order)
        return [np.array(order[at : at + args.batch]) for at in range(0, len(order) - args.batch + 1, args.batch)]

    def loss(batch: np.ndarray) -> Tensor:
        rng = np.random.default_rng([args.seed, *batch[:4].tolist()])
        ids = tokens(shifted(images[batch], rng, args.shift) if args.shift else images[batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(ids, torch.ones_like(ids, dtype=torch.bool))
        return F.cross_entropy(logits.float(), torch.from_numpy(labels[batch].astype(np.int64)), label_smoothing=0.02)

    loop.train(model, deepcopy(model), optimizer, args.epochs, batches, loss,
               lambda ema: accuracy(ema, images[:HELD_OUT], labels[:HELD_OUT]),
               lambda ema: {"model": ema.state_dict(), "config": config.to_dict()}, args.out, log)  # fmt: skip


if __name__ == "__main__":
    main()
