"""Writes a trained model as one .safetensors file, and what PyTorch computes with the weights in it.

    python training/export.py --task sentiment --model runs/sentiment/model.pt --tokenizer runs/imdb/tokenizer.json \
        --out models/sentiment.safetensors --golden tests/golden/sentiment --temperature 1.2
    python training/export.py --task sentiment --file models/sentiment.safetensors --golden tests/golden/sentiment

A model without classes is written as a trunk. `--checkpoint runs/sentiment/checkpoint.pt` instead of `--model` takes the averaged
weights of a training that is still running, or was stopped. `--file` takes a model file as it is, tokenizer and typicality
included: for a golden of other texts, or for another name.

The golden file holds texts of our own, their token ids and, in float64 from the quantised weights, their logits, or the
vectors of a trunk: the whole path from text to result is tested against it. The temperature that evaluate.py fits
on held-out documents is divided into the head's weights and bias, so the engine needs to know nothing of it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors import safe_open
from tokenizers import Tokenizer

from data import IMDB_LABELS
from model import Config, Linformer
from model_file import DTYPES, encode, load_model, save_model
from tokenizer import tables
from tokenizer_json import from_model

TEXTS = {
    "general": (
        "The tenant shall return the premises in the condition in which they were received, ordinary wear excepted.",
        "Mitochondria are the organelles in which most of the chemical energy of a cell is made.",
        "Not a dull minute, and I had expected plenty.",
        "goal",
        "The committee met again on Thursday, and again decided nothing. " * 150,
    ),
    "sentiment": (
        "A quiet, generous film. I came for the scenery and stayed for the performances, which are superb.",
        "Two hours of my life I will never get back: a lazy script, wooden acting, and an ending that insults everyone.",
        "I wanted to like it. The first half is funny and the music is lovely, but then it falls apart.",
        "Don't miss it!",
        "bad",
        "not bad at all",
        "Never boring, never dull.",
        "I expected to hate it, and loved it.",
        "The camera never moves. " * 400 + "And yet I loved every minute of it.",
    ),
}
ABOUT = {
    "general": {
        "license": "MIT",
        "trained_on": "vectors of all-MiniLM-L6-v2 (Apache 2.0) for texts of Wikipedia, OpenStax, Microsoft Learn, CUAD, Open Terms "
        "Archive, Project Gutenberg, QNLI, the Large Movie Review Dataset and SST-2",
    },
    "sentiment": {"license": "MIT", "trained_on": "Large Movie Review Dataset v1.0 (Maas et al. 2011), SST-2 (Socher et al. 2013), sentences of our own; "
                  "vectors of all-MiniLM-L6-v2 (Apache 2.0) for sentences of these, Wikipedia, OpenStax, Microsoft Learn and novels"},
}
LABELS = {"general": (), "sentiment": IMDB_LABELS}


def golden_rows(path: Path, texts: tuple[str, ...]) -> list[dict]:
    """What PyTorch computes in float64 with the weights of a model file"""
    model = load_model(path).double()
    tokenizer = Tokenizer.from_str(json.dumps(from_model(path)))
    rows = []
    for text in texts:
        ids = tokenizer.encode(text).ids
        row, mask = torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.bool)
        with torch.no_grad():
            out = {"logits": model(row, mask)} if model.config.n_classes else {"vector": model.vector(row, model.encode(row, mask)[-1], mask)}
        rows.append({"text": text, "ids": ids, **{name: value[0].tolist() for name, value in out.items()}})
    return rows


def of_training(args: argparse.Namespace) -> tuple[dict[str, torch.Tensor], Config, dict]:
    """Encoded tensors, config and tokenizer tables"""
    saved = torch.load(args.model or args.checkpoint, weights_only=True)
    if args.checkpoint:
        if "result" not in saved:
            raise SystemExit(f"{args.checkpoint} has no 'result': an older training wrote it")
        saved = saved["result"]
    config = Config(**saved["config"])
    model = Linformer(config)
    model.load_state_dict(saved["model"])
    if args.blend:  # Wortsman et al. 2022, "Robust fine-tuning of zero-shot models": keeps what the new texts are short of
        old = load_model(args.blend).state_dict()
        model.load_state_dict({name: tensor.lerp(saved["model"][name], args.share) for name, tensor in old.items()})
    with torch.no_grad():
        for tensor in model.head.parameters() if config.n_classes else ():
            tensor /= args.temperature
    return encode(model.tensors(), args.dtype), config, tables(args.tokenizer)


def of_file(path: Path) -> tuple[dict[str, torch.Tensor], Config, dict]:
    """The same of a model file, as it is"""
    with safe_open(path, "pt") as file:
        said = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    config = Config(**{"n_classes": 0, **json.loads(said["config"])})
    table = {name: tensors.pop("tokenizer." + name).numpy() for name in ("vocab", "offsets", "merges")}
    return tensors, config, {**table, "lowercase": json.loads(said["tokenizer"])["lowercase"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=ABOUT, required=True, help="whose labels, licence and golden texts")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", type=Path, help="model.pt: the best epoch of a training")
    source.add_argument("--checkpoint", type=Path, help="checkpoint.pt: the averaged weights of a training as far as it has come")
    source.add_argument("--file", type=Path, help="a model file; needs no --tokenizer, and takes no other weights or dtype")
    parser.add_argument("--blend", type=Path, help="a model file that this training went on from: the weights are the mean of both")
    parser.add_argument("--share", type=float, default=0.5, help="of the new weights in that mean")
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--out", type=Path, help="default: none, with --file")
    parser.add_argument("--name", help="in the file; default: the task's")
    parser.add_argument("--golden", type=Path, help="write the golden results to this path + .json")
    parser.add_argument("--dtype", choices=DTYPES, default="I8")
    parser.add_argument("--temperature", type=float, default=1.0, help="the logits are divided by it")
    args = parser.parse_args()

    if args.file is None and None in (args.tokenizer, args.out):
        parser.error("--model and --checkpoint need --tokenizer and --out")
    if args.file is not None and (args.temperature != 1 or args.blend):
        parser.error("--file takes the weights as they are, without --temperature and --blend")

    if args.out:
        encoded, config, table = of_file(args.file) if args.file else of_training(args)
        labels = list(LABELS[args.task]) if config.n_classes else []
        save_model(args.out, encoded, config, labels, table, **ABOUT[args.task], name=args.name or args.task)
        print(f"{args.out}: {args.out.stat().st_size:,} bytes")
    if args.golden:
        rows = golden_rows(args.out or args.file, TEXTS[args.task])
        args.golden.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
