"""Masked-language-model pretraining of the encoder on all reviews, the unlabelled ones too.

    python training/pretrain.py --data DATA/imdb --tokenizer runs/imdb/tokenizer.json --out runs/imdb/pretrained

Devlin et al. 2019, with the arithmetic of model.py: a share of the tokens becomes <mask> and the encoder guesses them
from the rest. The softmax runs over the tokens that were masked in the batch and a random sample of the others, each
weighted by the inverse of its chance to be there (Horvitz and Thompson 1952). OUT/model.pt is what `train.py --start`
takes; a checkpoint every few minutes, resumed by the same command.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

import initial
import loop
from data import Corpus, held_out, token_counts
from model import Config, Linformer
from tokenizer import MASK_ID
from train import SPANS


class MaskedLanguageModel(nn.Module):
    """The encoder, and a head that scores candidates for masked tokens by the token vectors themselves."""

    def __init__(self, encoder: Linformer, frequency: Tensor, drawn: int) -> None:
        """frequency [vocab]: share of each token in the text; `drawn`: how many random candidates a batch has."""
        super().__init__()
        d, vocab_size = encoder.config.d_model, encoder.config.vocab_size
        self.encoder = encoder
        self.map = nn.Linear(d, d)
        self.norm = nn.LayerNorm(d)
        self.scale = nn.Parameter(torch.tensor(0.3))
        self.bias = nn.Parameter((frequency * vocab_size + 1e-2).log())
        self.register_buffer("frequency", frequency, persistent=False)
        self.drawn = drawn

    def forward(self, ids: Tensor, mask: Tensor, masked: Tensor, every: bool = False) -> Tensor:
        """ids [batch, n] as they were, masked [batch, n]: which to guess -> mean cross-entropy in nats

        With `every` the softmax runs over the whole vocabulary.
        """
        x = self.encoder.encode(ids.masked_fill(masked, MASK_ID), mask)[-1]
        h = self.norm(F.gelu(self.map(self.encoder.norm(x[masked])), approximate="tanh"))
        vectors, targets = self.encoder.embed["token"].weight, ids[masked]
        if every:
            return F.cross_entropy((self.scale * (h @ vectors.T)).float() + self.bias, targets)
        vocab_size = len(vectors)
        present = torch.zeros(vocab_size, dtype=torch.bool)
        present[targets] = True
        present[torch.randint(vocab_size, (self.drawn,))] = True
        candidates = present.nonzero()[:, 0]
        absent = (1 - self.frequency[candidates]) ** len(targets) * (1 - 1 / vocab_size) ** self.drawn
        index = torch.zeros(vocab_size, dtype=torch.long)
        index[candidates] = torch.arange(len(candidates))
        logits = (self.scale * (h @ vectors[candidates].T)).float() + self.bias[candidates] - (1 - absent).log()
        return F.cross_entropy(logits, index[targets])


def pieces(documents: list[np.ndarray], longest: int, n_max: int, long_share: float, rng: random.Random) -> list[np.ndarray]:
    """Every review in pieces of at most `longest` tokens from a random start on; and some joined up to n_max tokens."""
    out = []
    for ids in documents:
        first = rng.randrange(longest) if len(ids) > longest else 0
        cuts = [0, *range(first or longest, len(ids), longest), len(ids)]
        out += [ids[a:b] for a, b in zip(cuts, cuts[1:]) if b - a >= 8]
    for _ in range(int(len(out) * long_share)):
        room, parts = rng.randint(n_max // 4, n_max), []
        while room > sum(map(len, parts)):
            parts.append(rng.choice(documents))
        out.append(np.concatenate(parts)[:room])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.add_options(parser, d_model=128, n_layers=3, n_heads=4, d_ff=512, epochs=4, batch_tokens=8192, lr=1.5e-3, weight_decay=0.01,
                     ema=0.998, position_lr=0.1, seed=1)  # fmt: skip
    parser.add_argument("--start", type=Path, help="model.pt of an earlier pretraining to go on from, with other spans of as many tokens if wished")
    parser.add_argument("--spans", type=initial.spans_of, default=SPANS, help="tokens:segments,... of E, from the start of a document on")
    parser.add_argument("--crop", type=int, default=1024, help="longest piece of a review that a batch takes")
    parser.add_argument("--long-share", type=float, default=0.003, help="joined long documents, as a share of all")
    parser.add_argument("--masked", type=float, default=0.15, help="share of the tokens to guess")
    parser.add_argument("--drawn", type=int, default=768, help="random candidates of a batch")
    parser.add_argument("--held-out", type=int, default=10)
    args = parser.parse_args()

    log = loop.start(args)
    cache = args.tokenizer.parent
    reviews, unsup = (Corpus(args.data / f"{part}.jsonl.zst", args.tokenizer, cache) for part in ("train", "unsup"))
    is_val = [held_out({"id": name}, args.held_out) for name in reviews.names]
    texts = [reviews[i] for i in range(len(reviews)) if not is_val[i]] + [unsup[i] for i in range(len(unsup))]
    val = [reviews[i][: args.crop] for i in range(len(reviews)) if is_val[i]][:512]
    vocab_size = Tokenizer.from_file(str(args.tokenizer)).get_vocab_size()
    n_max, k = (sum(column) for column in zip(*args.spans))
    config = Config(vocab_size, n_max, args.d_model, args.n_layers, args.n_heads, args.d_ff, 2, [k] * args.n_layers)
    counts = np.bincount(np.concatenate(texts), minlength=vocab_size)
    frequency = torch.from_numpy(counts / counts.sum()).float()
    model, ema = (MaskedLanguageModel(Linformer(config), frequency, args.drawn) for _ in range(2))
    if args.start:
        saved = torch.load(args.start, weights_only=True)
        E = saved["model"]["attn.E.weight"]
        if saved["spans"] != args.spans:
            saved["model"]["attn.E.weight"] = initial.resegment(E, saved["spans"], args.spans)
        model.encoder.load_state_dict(saved["model"])
        model.load_state_dict(saved["mlm_head"], strict=False)
    elif not (args.out / "checkpoint.pt").exists():
        offsets = [[0, -4, 4], [0, -4, 4], [0]][: args.n_layers]
        initial.begin(model.encoder, token_counts(texts, vocab_size), args.spans, offsets, args.seed)
    ema.load_state_dict(model.state_dict())
    optimizer = loop.adamw(model, args.lr, args.weight_decay, position_lr=args.position_lr)
    log(f"{len(texts)} reviews, {counts.sum() / 1e6:.1f} M tokens an epoch; "
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")  # fmt: skip

    def batches(epoch: int) -> list[list[np.ndarray]]:
        rng = random.Random(args.seed * 1000 + epoch)
        return loop.by_length(pieces(texts, args.crop, n_max, args.long_share, rng), len, args.batch_tokens, rng)

    def loss(batch: list[np.ndarray]) -> Tensor:
        ids, mask = loop.pad(batch)
        masked = (torch.rand(ids.shape) < args.masked) & mask
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model(ids, mask, masked)

    @torch.no_grad()
    def evaluate(network: MaskedLanguageModel) -> float:
        """Minus the mean cross-entropy on held-out reviews, every seventh token masked."""
        total = 0.0
        for start in range(0, len(val), 16):
            ids, mask = loop.pad(val[start : start + 16])
            masked = (torch.arange(ids.shape[1]) % 7 == 3) & mask
            with torch.autocast("cpu", dtype=torch.bfloat16):
                total += network(ids, mask, masked, every=True).item()
        return -total / -(-len(val) // 16)

    def result(network: MaskedLanguageModel) -> dict:
        head = {name: value for name, value in network.state_dict().items() if not name.startswith("encoder.")}
        return {"config": config.to_dict(), "spans": args.spans, "model": network.encoder.state_dict(), "mlm_head": head}

    loop.train(model, ema, optimizer, args.epochs, batches, loss, evaluate, result, args.out, log, args.ema)


if __name__ == "__main__":
    main()
