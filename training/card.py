"""Writes what is measured and counted into a card: the part of models/NAME.md between the two marks.

    python training/card.py contracts digits sentiment subjects

It comes from the file itself and from training/NAME.json, which has to be of this very file. The rest of a card is written by hand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

from safetensors import safe_open

from heads import CLI, digest_of

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- written by training/card.py -->", "<!-- until here -->"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def told(measured: dict | float) -> str:
    """A figure with its 95% interval"""
    if not isinstance(measured, dict):
        return f"{measured:.1f}"
    low, high = measured["interval"]
    return f"{measured.get('value', measured.get('mAP')):.1f} ({low:.1f} to {high:.1f})"


def facts(path: Path) -> str:
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        names = list(file.keys())
    config, labels = json.loads(metadata["config"]), json.loads(metadata["labels"])
    if metadata.get("kind") != "head":
        return table(["", ""], model_rows(path, config, labels, metadata["license"], "typicality.quantiles" in names))
    pooling = f"the best window of {config['window']} tokens" if config["pooling"] == "window-max" else "the whole text, tokens weighted by their importance"
    rows = [
        ["file", f"`{path.name}`, {path.stat().st_size:,} bytes: a head on [{metadata['trunk_name']}]({metadata['trunk_name']}.md)"],
        ["digest", f"`{digest_of(path)}`"],
        ["trunk", f"`{metadata['trunk']}`"],
        ["labels", f"{len(labels)}: {', '.join(labels)}"],
        ["judges by", f"{pooling}; {config['words']:,} words beside the trunk's vector{'; typicality' if 'typicality.quantiles' in names else ''}"],
        ["licence", f"{metadata['license']} for the weights; see below for the texts"],
    ]
    return table(["", ""], rows)


def model_rows(path: Path, config: dict, labels: list[str], license: str, typicality: bool) -> list[list[str]]:
    """Of a model with a trunk of its own; what the engine knows of it, the command line says"""
    command = ["node", str(CLI), "inspect", "--json", str(path)]
    inspected = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    stem = f"; a stem over three tokens, {config['stem']} wide" if config.get("stem") else ""
    k = ", ".join(str(k) for k in sorted({*config["k"]}))
    total = next(plan["total"] for plan in inspected["memory"] if plan["capacity"] == config["n_max"])
    return [
        ["file", f"`{path.name}`, {path.stat().st_size:,} bytes: weights in int8 with a scale for each output channel, tokenizer included"],
        ["digest", f"`{digest_of(path)}`"],
        ["labels", ", ".join(labels)],
        ["reads", f"up to {config['n_max']:,} tokens at once; longer texts in windows"],
        ["shape", f"Linformer, {config['sharing']} sharing, {config['projection']} projection, k {k}; {config['n_layers']} layers, d_model {config['d_model']}, "
                  f"{config['n_heads']} heads, d_ff {config['d_ff']}{stem}; {inspected['parameters']:,} parameters"],
        ["tokenizer", "bytes: grey level g is token g + 1" if path.stem == "digits" else f"byte-level BPE, {config['vocab_size']:,} tokens, lower case"],
        ["linear memory", f"{total:,} bytes for {config['n_max']:,} tokens, in all"],
        ["typicality", "says how like the texts that it knows a text is" if typicality else "none"],
        ["licence", license],
    ]  # fmt: skip


def unlike(figures: dict) -> str:
    sets = sorted(figures["unlike"].items(), key=lambda pair: -pair[1])
    return "AUROC of typicality against other sets, 60 documents of each (`training/unlike.py`):\n\n" + table(
        ["set", "AUROC"], [[name, f"{value:.3f}"] for name, value in sets]
    )


def contracts(figures: dict) -> str:
    tfidf = figures["TF-IDF"]
    rows = [["**this head**", told(figures["mAP"]), told(figures["micro F1"])], ["this head, first 400 words", told(figures["first 400 words"]), ""]]
    rows += [[f"TF-IDF, {name}", f"{value['mAP']:.1f}", f"{value['micro F1']:.1f}"] for name, value in tfidf.items()]
    lengths = [[name, str(value["contracts"]), f"{value['micro F1']:.1f}", f"{value['ECE']:.1f}"] for name, value in figures["by length"].items()]
    labels = [[name, str(v["contracts"]), f"{v['AP']:.1f}", f"{v['precision']:.1f}", f"{v['recall']:.1f}"] for name, v in figures["labels"].items()]
    return "\n\n".join([
        f"On {figures['documents']} contracts of `test`, through the command line, in percent with 95% intervals:",
        table(["", "macro mean average precision", "micro F1"], rows),
        f"Of the clauses that are rightly found, the evidence overlaps a lawyer's span in {told(figures['evidence'])}%. "
        f"The expected calibration error of all scores is {told(figures['ECE'])}%.",
        table(["length", "contracts", "micro F1", "calibration error"], lengths),
        table(["clause", "contracts that have it", "average precision", "precision", "recall"], labels),
        unlike(figures),
    ])  # fmt: skip


def subjects(figures: dict) -> str:
    texts = [name for name in figures if name.startswith(("sections", "chapters"))]
    rows = [[name, str(figures[name]["documents"]), told(figures[name]["accuracy"]), told(figures[name]["macro F1"]), f"{figures[name]['ECE']:.1f}"] for name in texts]
    tfidf = [[f"TF-IDF, {name}", "", f"{value['accuracy']:.1f}", f"{value['macro F1']:.1f}", ""] for name, value in figures["TF-IDF"].items()]
    labels = [[name, str(v["sections"]), f"{v['F1']:.1f}"] for name, v in figures["labels"].items()]
    mistakes = "; ".join(f"{what} ({times})" for what, times in figures["mistakes"])
    return "\n\n".join([
        "On `test`, whose chapters are in no other part, through the command line, in percent with 95% intervals:",
        table(["texts", "of them", "accuracy", "macro F1", "calibration error"], rows + tfidf),
        table(["subject", "sections", "F1"], labels),
        f"The commonest mistakes: {mistakes}.",
        unlike(figures),
    ])  # fmt: skip


def sentiment(figures: dict) -> str:
    kinds = ("reviews", "sentences", "plain pairs", "pairs", "older pairs")

    def row(name: str, of: dict) -> list[str]:
        return [name, *(told(of[kind]["accuracy"]) for kind in kinds)]

    rows = [row("**this model**", figures), *(row(f"its twin: {name}", of) for name, of in figures.get("twins", {}).items())]
    rows += [[name, *(f"{value[kind]:.1f}" for kind in ("reviews", "sentences")), "", "", ""] for name, value in figures.get("TF-IDF", {}).items()]
    n = [f"{figures[kind]['documents']:,}" for kind in kinds]
    lengths = [[name, f"{value['documents']:,}", told(value["accuracy"]), f"{value['ECE']:.1f}"] for name, value in figures["by length"].items()]
    errors = ", ".join(f"{figures[kind]['ECE']:.2f}% of {kind}" for kind in ("reviews", "sentences"))
    baseline = "TF-IDF, words and pairs"
    products = [
        [name, str(figures[name]["documents"]), told(figures[name]["accuracy"]), f"{figures[name]['ECE']:.1f}", f"{figures['TF-IDF'][baseline][name]:.1f}"]
        for name in figures if name.startswith("products")
    ]  # fmt: skip
    parts = [
        "Accuracy on texts of `test`, through the command line, in percent with 95% intervals:",
        table(["", f"{n[0]} reviews", f"{n[1]} sentences", f"{n[2]} in plain pairs", f"{n[3]} in harder pairs", f"{n[4]} in older pairs"], rows),
        "Reviews are of IMDB, a subset of its official test set chosen by a hash of the id. Sentences are SST-2's: the 872 of GLUE's dev set. The two "
        "texts of a pair differ in a denial or a turn, and have opposite labels: guessing has half of them right. [Plain pairs](../training/contrast/plain.csv) "
        "are everyday English, written by somebody who had not seen the training; "
        "[harder pairs](../training/contrast/test.csv) imply more than they say. Both are right in "
        f"{told(figures['plain pairs']['both right'])} and {told(figures['pairs']['both right'])}% of the pairs. "
        "The [older pairs](../training/contrast/pairs.csv) were known when the training was devised.",
        f"Expected calibration error: {errors}.",
        table(["reviews by length", "of them", "accuracy", "calibration error"], lengths),
        "Whole reviews of [products and services](../training/contrast/products.csv), 7 to 560 words, by a writer who had not seen the training. Plain "
        "ones praise or blame in words; mixed ones list pros and cons; implied ones tell what happened, turn late, or say only what the writer did:",
        table(["", "of them", "accuracy", "calibration error", f"{baseline}, trained on IMDB"], products),
    ]
    if "unlike" in figures:
        told_of = {kind: kind for kind in ("reviews", "sentences", "plain pairs", "pairs")} | {"products, implied": "implied reviews of products"}
        shares = ", ".join(f"{figures[kind]['called unlike']:.1f}% of the {name}" for kind, name in told_of.items())
        parts += [unlike(figures), f"Called unlike what it knows (`typicality` below 0.01): {shares}."]
    return "\n\n".join(parts)


def digits(figures: dict) -> str:
    names = ("test", "two pixels to the right", "two pixels down")
    rows = [[f"{name}, {figures[name]['images']:,} images", told(figures[name]["accuracy"]), f"{figures[name]['ECE']:.1f}"] for name in names]
    mistakes = "; ".join(f"{what} ({times})" for what, times in figures["mistakes"])
    return "\n\n".join([
        "On `test` of MNIST, in the engine, in percent with 95% intervals:",
        table(["", "accuracy", "calibration error"], rows),
        table(["digit", *figures["labels"]], [["found", *(f"{value:.1f}" for value in figures["labels"].values())]]),
        f"The commonest mistakes: {mistakes}.",
    ])  # fmt: skip


WRITERS = {"contracts": contracts, "digits": digits, "sentiment": sentiment, "subjects": subjects}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=WRITERS)
    for name in parser.parse_args().names:
        model, card = ROOT / "models" / f"{name}.safetensors", ROOT / "models" / f"{name}.md"
        figures = json.loads((ROOT / "training" / f"{name}.json").read_text())
        if figures["digest"] != digest_of(model):
            raise SystemExit(f"training/{name}.json is of another file than {model}: measure it again")
        text = card.read_text(encoding="utf-8")
        before, after = text[: text.index(BEGIN)], text[text.index(END) :]
        middle = WRITERS[name](figures)
        card.write_text(f"{before}{BEGIN}\n\n{facts(model)}\n\n## Measured\n\n{middle}\n\n{after}", encoding="utf-8")
        print(card)


if __name__ == "__main__":
    main()
