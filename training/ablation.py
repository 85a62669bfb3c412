"""Does sharing one projection cost anything? The paper's Table 2 at a small scale: one recipe, one size, several seeds.

    python training/ablation.py --data DATA/imdb --tokenizer runs/imdb/tokenizer.json --teacher runs/imdb/teacher.json \
        --runs runs/ablation --results training/ablation.json --seeds 3
    python training/ablation.py --results training/ablation.json --table

Full attention, and Linformers that differ from a layerwise shared linear projection with k 128 in what their name says. All
read the first 512 tokens of the same reviews in the same order and begin with the same token vectors; a seed draws the
other weights and the order. E begins as in the paper, normal with variance 1/k, or as means of segments; "slower" has E
and the position embeddings learn at a tenth of the rate (`loop.groups` says why). Each run is written to the results when
it is done, and runs that are there are not done again, so more seeds can be added at any time. Time is processor time
of one thread.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from pathlib import Path

import torch

import initial
import loop
from data import Corpus, held_out, token_counts
from model import Config, Linformer
from train import Documents, accuracy, loss

VARIANTS = {
    "full attention": {"attention": "full"},
    "no sharing": {"sharing": "none"},
    "headwise": {"sharing": "headwise"},
    "key-value": {"sharing": "key-value"},
    "layerwise": {},
    "layerwise, slower": {"position_lr": 0.1},
    "layerwise, E from means": {"start": "means"},
    "layerwise, E from means, slower": {"start": "means", "position_lr": 0.1},
    "layerwise, mean": {"projection": "mean"},
    "layerwise, conv": {"projection": "conv"},
    "layerwise, k 32": {"k": 32},
    "layerwise, k 64": {"k": 64},
    "layerwise, k 256": {"k": 256},
}
N, D_MODEL, LAYERS, HEADS, D_FF, K = 512, 64, 2, 4, 128, 128
HELD_OUT = 10  # percent of train


def run(options: dict, seed: int, args: argparse.Namespace, data: tuple) -> tuple[dict, dict]:
    """Trains and tests one variant: the line of results, and the weights"""
    rows, val, vectors = data
    torch.manual_seed(seed)
    k = options.get("k", K)
    config = Config(vectors.shape[0], N, D_MODEL, LAYERS, HEADS, D_FF, 2, [k] * LAYERS,
                    **{key: options[key] for key in ("attention", "sharing", "projection") if key in options})  # fmt: skip
    model, ema = Linformer(config), Linformer(config)
    if options.get("start") == "means":
        initial.segment_means(model, [(N, k)])
    model.embed["token"].weight.data.copy_(vectors)
    ema.load_state_dict(model.state_dict())
    optimizer = loop.adamw(model, args.lr, 0.02, position_lr=options.get("position_lr", 1.0))
    batches, epoch = [], 0
    while len(batches) < args.steps:
        batches += loop.by_length(rows, lambda row: len(row[0]), args.batch_tokens, random.Random(seed * 100 + epoch))
        epoch += 1
    started = time.process_time()
    for step, batch in enumerate(batches[: args.steps]):
        rate = min(1.0, (step + 1) / 50) * (1 - step / args.steps)
        loop.step(model, ema, optimizer, lambda: loss(model, batch, 0.1), rate, min(0.98, (step + 1) / (step + 10)))
    seconds = time.process_time() - started
    projections = sum(p.numel() for name, p in model.named_parameters() if name.endswith((".E.weight", ".F.weight")))
    result = {
        "accuracy": round(accuracy(ema, val, N), 5),
        "parameters": sum(p.numel() for p in model.parameters()),
        "projection_parameters": projections,
        "seconds": round(seconds, 1),
        "tokens": sum(len(row[0]) for batch in batches[: args.steps] for row in batch),
    }
    return result, {"config": config.to_dict(), "model": ema.state_dict()}


def table(results: dict) -> str:
    """Markdown: a line for each variant that has runs, with mean and standard deviation over its seeds"""
    lines = ["| attention | accuracy % | runs | parameters | of which E, F | training s |", "|---|---|---|---|---|---|"]
    for name in VARIANTS:
        rows = [row for key, row in results["runs"].items() if key.rsplit(" / ", 1)[0] == name]
        if rows:
            values = [100 * row["accuracy"] for row in rows]
            spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
            lines.append(f"| {name} | {statistics.mean(values):.2f}{spread} | {len(rows)} | {rows[0]['parameters']:,} "
                         f"| {rows[0]['projection_parameters']:,} "
                         f"| {statistics.median(row['seconds'] for row in rows):.0f} |")  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--runs", type=Path, help="folder for the weights, which spectrum.py reads")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-tokens", type=int, default=8192)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--table", action="store_true", help="only print the results")
    args = parser.parse_args()

    recipe = {"n": N, "d_model": D_MODEL, "n_layers": LAYERS, "n_heads": HEADS, "d_ff": D_FF, "k": K, "steps": args.steps,
              "batch_tokens": args.batch_tokens, "lr": args.lr}  # fmt: skip
    results = json.loads(args.results.read_text()) if args.results.exists() else {"recipe": recipe, "runs": {}}
    if args.table:
        print(table(results))
        return
    if results["recipe"] != recipe:
        raise SystemExit(f"{args.results} has another recipe: {results['recipe']}")

    torch.set_num_threads(1)
    args.runs.mkdir(parents=True, exist_ok=True)
    corpora = [Corpus(args.data / f"{part}.jsonl.zst", args.tokenizer, args.tokenizer.parent) for part in ("train", "unsup")]
    soft = json.loads(args.teacher.read_text())["reviews"]
    rows, val = [], Documents()
    for corpus in corpora:
        for i, name in enumerate(corpus.names):
            if corpus.labels[i] and held_out({"id": name}, HELD_OUT):
                val.ids.append(corpus[i])
                val.targets.append(float(corpus.labels[i] == "positive"))
            elif len(corpus[i]):
                target = 0.5 * (soft[name] + (corpus.labels[i] == "positive")) if corpus.labels[i] else soft[name]
                rows.append((corpus[i][:N], target))
    counts = token_counts([row[0] for row in rows[:30_000]], int(corpora[1].ids.max()) + 1)
    vectors = initial.latent_semantics(counts, D_MODEL, 1)
    for seed in range(1, args.seeds + 1):
        for name, options in VARIANTS.items():
            key = f"{name} / {seed}"
            if key in results["runs"]:
                continue
            result, weights = run(options, seed, args, (rows, val, vectors))
            torch.save(weights, args.runs / f"{key.replace(' / ', '-').replace(', ', '-').replace(' ', '-')}.pt")
            results["runs"][key] = result
            args.results.write_text(json.dumps(results, indent=1) + "\n")
            print(key, result, flush=True)


if __name__ == "__main__":
    main()
