"""The Linformer classifier in PyTorch: the executable specification of the C engine.

Every name, shape and order of operations here is the engine's. One thing is only here: batches. Documents of different
lengths are padded to one batch, and the padding is masked so that it cannot change a result; the engine has no padding.

Method: Wang et al., "Linformer: Self-Attention with Linear Complexity", arXiv 2006.04768. E is applied before the key
and value maps, as the authors' code does: K = (E h) W_K + b_K.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ATTENTION = ("linformer", "full")
SHARING = ("none", "headwise", "key-value", "layerwise")
PROJECTION = ("linear", "mean", "max", "conv")
POSITIONS = ("learned", "sinusoidal", "none")
POOLING = ("mean", "weighted", "window-max", "directions")
MANY_KEYS = 512
SINCE_VERSION_2 = ("stem", "importance", "pooling", "window", "words")  # fields that files do not have which do without them


@dataclass
class Config:
    """The shape of a model; `config` in the model file is this as JSON, without the fields that have their default."""

    vocab_size: int
    n_max: int
    d_model: int
    n_layers: int
    n_heads: int
    d_ff: int
    n_classes: int
    k: list[int]
    attention: str = "linformer"
    sharing: str = "layerwise"
    projection: str = "linear"
    positions: str = "learned"
    stem: int = 0  # hidden width of the stem; 0: none
    importance: bool = False  # each token has a learned importance, and the pooled vector is the weighted mean
    pooling: str = "mean"  # of the head: "mean", "weighted" by the trunk's importance, the largest mean of a window, or "directions"
    window: int = 0  # tokens of a window, even, with pooling "window-max"
    words: int = 0  # tokens that the word head knows; 0: there is none

    def __post_init__(self) -> None:
        if self.attention not in ATTENTION or self.sharing not in SHARING:
            raise ValueError(f"attention {self.attention!r} or sharing {self.sharing!r} is unknown")
        if self.projection not in PROJECTION or self.positions not in POSITIONS:
            raise ValueError(f"projection {self.projection!r} or positions {self.positions!r} is unknown")
        if self.pooling not in POOLING or (self.pooling == "weighted" and not self.importance):
            raise ValueError(f"pooling {self.pooling!r} is unknown, or the trunk has no importance to weight by")
        if (self.window >= 2 and self.window % 2 == 0) != (self.pooling == "window-max") or self.words > self.vocab_size:
            raise ValueError(f"window {self.window} does not go with pooling {self.pooling!r}, or words {self.words} are too many")
        if len(self.k) != self.n_layers:
            raise ValueError(f"k has {len(self.k)} entries for {self.n_layers} layers")
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of n_heads {self.n_heads}")
        if self.attention == "linformer" and self.projection != "linear":
            for k in self.k:
                if self.n_max % k:
                    raise ValueError(f"n_max {self.n_max} is not a multiple of k {k}")
            if self.projection == "conv" and self.sharing == "layerwise" and len(set(self.k)) > 1:
                raise ValueError("a layerwise shared convolution needs one k for all layers")

    def to_dict(self) -> dict:
        return {key: value for key, value in asdict(self).items() if key not in SINCE_VERSION_2 or value != getattr(Config, key)}

    def version(self) -> int:
        """Of the model file: 1 where older readers know all of it, 2 where they do not"""
        return 2 if self.n_classes == 0 or self.positions == "none" or any(key in SINCE_VERSION_2 for key in self.to_dict()) else 1


def sinusoidal_positions(n: int, d: int) -> Tensor:
    """Fixed positions [n, d]: sin in even channels, cos in odd ones, wavelengths from 2 pi to 10000 * 2 pi.

    Vaswani et al. 2017, section 3.5. Computed in float64, rounded once.
    """
    position = torch.arange(n, dtype=torch.float64)[:, None]
    rate = torch.exp(torch.arange(0, d, 2, dtype=torch.float64) * (-math.log(10000.0) / d))
    table = torch.zeros(n, d, dtype=torch.float64)
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)[:, : d // 2]
    return table.float()


class SequenceProjection(nn.Module):
    """E: n rows to k, for `n_matrices` matrices at once (1, or one for each head)."""

    def __init__(self, config: Config, k: int, n_matrices: int = 1) -> None:
        super().__init__()
        self.kind = config.projection
        self.k = k
        self.segment = config.n_max // k
        if self.kind == "linear":
            # variance 1/k, as in the Johnson-Lindenstrauss argument of the paper's theorem 2
            self.weight = nn.Parameter(torch.randn(n_matrices, k, config.n_max) / math.sqrt(k))
        elif self.kind == "conv":
            self.weight = nn.Parameter(
                torch.full((n_matrices, config.d_model, self.segment), 1 / self.segment)
                + torch.randn(n_matrices, config.d_model, self.segment) / self.segment
            )

    def forward(self, h: Tensor, mask: Tensor, k: int | None = None) -> tuple[Tensor, Tensor | None]:
        """h [batch, n, d_model], zero where mask [batch, n] is False -> p [batch, n_matrices, k, d_model].

        The second result says which of the k rows exist, [batch, k]; None when all do.
        """
        n = h.shape[1]
        if self.kind == "linear":
            return torch.einsum("mkn,bnd->bmkd", self.weight[:, :k, :n], h), None  # [batch, n_matrices, k, d_model]
        s = self.segment
        rows = -(-n // s)
        pad = rows * s - n
        segments = F.pad(h, (0, 0, 0, pad)).view(h.shape[0], rows, s, -1)  # [batch, rows, segment, d_model]
        present = F.pad(mask, (0, pad)).view(h.shape[0], rows, s)  # [batch, rows, segment]
        counts = present.sum(-1)  # [batch, rows]
        if self.kind == "mean":
            p = (segments.sum(2) / counts.clamp(min=1)[..., None])[:, None]  # [batch, 1, rows, d_model]
        elif self.kind == "max":
            largest = segments.masked_fill(~present[..., None], -math.inf).amax(2)  # [batch, rows, d_model]
            p = largest.masked_fill((counts == 0)[..., None], 0.0)[:, None]  # [batch, 1, rows, d_model]
        else:
            p = torch.einsum("mds,brsd->bmrd", self.weight, segments)  # [batch, n_matrices, rows, d_model]
        return p, counts > 0


def attend(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None) -> Tensor:
    """softmax(query key^T / sqrt(d_head)) value, [batch, n_heads, n, d_head]; in bfloat16 where training asks for that (autocast),
    but in float32 of MANY_KEYS and more: PyTorch then goes without the matrix of scores, which takes half the time.

    query [batch, n_heads, n, d_head], key and value [batch, n_heads, k, d_head], allowed [batch, 1, 1, k]
    """
    if not torch.is_autocast_enabled("cpu"):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)  # [batch, n_heads, n, d_head]
    if key.shape[2] >= MANY_KEYS:
        with torch.autocast("cpu", enabled=False):
            return F.scaled_dot_product_attention(query.float(), key.float(), value.float(), attn_mask=allowed)  # [batch, n_heads, n, d_head]
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # [batch, n_heads, n, k]
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -1e9)
    return torch.softmax(scores, -1, dtype=scores.dtype) @ value  # [batch, n_heads, n, d_head]


class Attention(nn.Module):
    """Multi-head attention of one layer: softmax(Q K^T / sqrt(d_head)) V, with K and V of E h in a Linformer"""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.config = config
        self.k = config.k[layer]
        d = config.d_model
        self.query, self.key, self.value, self.out = (nn.Linear(d, d) for _ in range(4))
        if config.attention == "linformer" and config.sharing != "layerwise":
            heads = config.n_heads if config.sharing == "none" else 1
            self.E = SequenceProjection(config, self.k, heads)
            if config.sharing != "key-value":
                self.F = SequenceProjection(config, self.k, heads)

    def split(self, rows: Tensor) -> Tensor:
        """[batch, rows, d_model] -> [batch, n_heads, rows, d_head]"""
        return rows.unflatten(-1, (self.config.n_heads, -1)).transpose(1, 2)

    def map_heads(self, p: Tensor, linear: nn.Linear) -> Tensor:
        """p [batch, 1 or n_heads, k, d_model] through a key or value map -> [batch, n_heads, k, d_head]"""
        if p.shape[1] == 1:
            return self.split(linear(p[:, 0]))
        weight = linear.weight.unflatten(0, (self.config.n_heads, -1))  # [n_heads, d_head, d_model]
        bias = linear.bias.unflatten(0, (self.config.n_heads, -1))  # [n_heads, d_head]
        return torch.einsum("bhkd,hed->bhke", p, weight) + bias[None, :, None]

    def forward(self, h: Tensor, mask: Tensor, shared: SequenceProjection | None) -> Tensor:
        """h [batch, n, d_model] -> [batch, n, d_model]; `shared` is the E of all layers, if they share one"""
        query = self.split(self.query(h))  # [batch, n_heads, n, d_head]
        if self.config.attention == "full":
            key, value = self.split(self.key(h)), self.split(self.value(h))  # [batch, n_heads, n, d_head]
            exists = mask  # [batch, n]
        else:
            masked = h * mask[..., None]  # [batch, n, d_model]
            p, exists = (shared or self.E)(masked, mask, self.k)  # [batch, 1 or n_heads, k, d_model], [batch, k]
            p_value = self.F(masked, mask, self.k)[0] if hasattr(self, "F") else p  # as p
            key, value = self.map_heads(p, self.key), self.map_heads(p_value, self.value)  # [batch, n_heads, k, d_head]
        allowed = None if exists is None else exists[:, None, None]  # [batch, 1, 1, k or n]
        ctx = attend(query, key, value, allowed)  # [batch, n_heads, n, d_head]
        return self.out(ctx.transpose(1, 2).flatten(2))  # [batch, n, d_model]


class FeedForward(nn.ModuleDict):
    """Two linear maps with a GELU (tanh form) between them"""

    def __init__(self, config: Config) -> None:
        super().__init__({"in": nn.Linear(config.d_model, config.d_ff), "out": nn.Linear(config.d_ff, config.d_model)})

    def forward(self, h: Tensor) -> Tensor:
        """h [batch, n, d_model] -> [batch, n, d_model]"""
        hidden = F.gelu(self["in"](h), approximate="tanh")  # [batch, n, d_ff]
        return self["out"](hidden)  # [batch, n, d_model]


class Stem(nn.ModuleDict):
    """A convolution over three tokens on the embeddings. E sees the document in segments, and no order of words within one;
    this does: x_t += W_out gelu(W_in [token_(t-1); token_t; token_(t+1)] + b_in) + b_out, zeros beyond the ends."""

    def __init__(self, config: Config) -> None:
        super().__init__({"in": nn.Linear(3 * config.d_model, config.stem), "out": nn.Linear(config.stem, config.d_model)})

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens [batch, n, d_model], zero where there is padding -> what is added to x, [batch, n, d_model]"""
        previous = F.pad(tokens, (0, 0, 1, 0))[:, :-1]  # [batch, n, d_model]
        following = F.pad(tokens, (0, 0, 0, 1))[:, 1:]  # [batch, n, d_model]
        hidden = self["in"](torch.cat([previous, tokens, following], -1))  # [batch, n, stem]
        return self["out"](F.gelu(hidden, approximate="tanh"))


class Importance(nn.Module):
    """How much a token counts in the pooled vector: exp(clamp(s[id] + u . LN(x), -20, 20))

    The last LayerNorm gives every token the same length; this gives back the difference between "the" and "warrant".
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(config.vocab_size))
        self.weight = nn.Parameter(torch.zeros(config.d_model))

    def forward(self, ids: Tensor, h: Tensor) -> Tensor:
        """ids [batch, n], h = LN(x) [batch, n, d_model] -> [batch, n]"""
        return torch.exp((self.token[ids] + h @ self.weight).clamp(-20, 20))

    def alone(self, ids: Tensor) -> Tensor:
        """The same of a token without its surroundings: ids [batch, n] -> [batch, n]"""
        return torch.exp(self.token[ids].clamp(-20, 20))


class Words(nn.Module):
    """The word head, on the tokens themselves: v_i = sqrt(count of ids[i]) idf[i], v of length 1, logit_c += v_i weight[i, c]"""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.register_buffer("ids", torch.arange(config.words, dtype=torch.int32))
        self.idf = nn.Parameter(torch.ones(config.words))
        self.weight = nn.Parameter(torch.zeros(config.words, config.n_classes))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids and mask [batch, n] -> each token's part of each logit, [batch, n, n_classes]"""
        is_word = (ids[..., None] == self.ids) & mask[..., None]  # [batch, n, words]
        counts = is_word.sum(1).to(self.idf.dtype)  # [batch, words]
        length = (counts.sqrt() * self.idf).norm(dim=1, keepdim=True)  # [batch, 1]; 0 if no word is known
        share = self.idf / (counts.clamp(min=1).sqrt() * torch.where(length > 0, length, 1))  # [batch, words]
        return (is_word * share[:, None]) @ self.weight  # [batch, n, n_classes]


class Layer(nn.Module):
    """Pre-norm: attention, then feed-forward, each added to the stream"""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.attn_norm = nn.LayerNorm(config.d_model)
        self.attn = Attention(config, layer)
        self.ffn_norm = nn.LayerNorm(config.d_model)
        self.ffn = FeedForward(config)

    def forward(self, x: Tensor, mask: Tensor, shared: SequenceProjection | None, dropout: float) -> Tensor:
        """x [batch, n, d_model] -> [batch, n, d_model]"""

        def drop(t: Tensor) -> Tensor:
            return F.dropout(t, dropout, self.training)

        x = x + drop(self.attn(self.attn_norm(x), mask, shared))  # [batch, n, d_model]
        return x + drop(self.ffn(self.ffn_norm(x)))  # [batch, n, d_model]


class Linformer(nn.Module):
    """Token ids to logits: a trunk, that is a pre-norm encoder and the mean of its outputs over the tokens, plain or weighted;
    and a linear head. With n_classes 0 it is a trunk alone."""

    def __init__(self, config: Config, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.dropout = dropout
        self.embed = nn.ModuleDict({"token": nn.Embedding(config.vocab_size, config.d_model)})
        nn.init.normal_(self.embed["token"].weight, std=0.1)
        if config.positions == "learned":
            self.embed["position"] = nn.Embedding(config.n_max, config.d_model)
            nn.init.normal_(self.embed["position"].weight, std=0.02)
        elif config.positions == "sinusoidal":
            self.register_buffer("sinusoidal", sinusoidal_positions(config.n_max, config.d_model), persistent=False)
        if config.stem:
            self.stem = Stem(config)
        shared = config.attention == "linformer" and config.sharing == "layerwise"
        self.attn = nn.ModuleDict({"E": SequenceProjection(config, max(config.k))} if shared else {})
        self.layers = nn.ModuleList(Layer(config, layer) for layer in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model)
        if config.importance:
            self.pool = Importance(config)
        if config.n_classes:
            self.head = nn.Linear(config.d_model, config.n_classes)
            if config.pooling == "directions":
                self.head.token_weight = nn.Parameter(torch.zeros(config.n_classes, config.d_model))
        if config.words:
            self.words = Words(config)

    def embeddings(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids and mask [batch, n] -> x [batch, n, d_model] before the first layer"""
        tokens = self.embed["token"](ids)  # [batch, n, d_model]
        x = tokens
        if self.config.positions != "none":
            positions = self.embed["position"].weight if "position" in self.embed else self.sinusoidal  # [n_max, d_model]
            x = x + positions[: ids.shape[1]]  # [batch, n, d_model]
        return x + self.stem(tokens * mask[..., None]) if self.config.stem else x

    def encode(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """x before the first layer and after each, n_layers + 1 tensors [batch, n, d_model]"""
        x = F.dropout(self.embeddings(ids, mask), self.dropout, self.training)  # [batch, n, d_model]
        states = [x]
        shared = self.attn["E"] if "E" in self.attn else None
        for layer in self.layers:
            x = layer(x, mask, shared, self.dropout)  # [batch, n, d_model]
            states.append(x)
        return states

    def weights(self, ids: Tensor, h: Tensor, mask: Tensor, weighted: bool) -> Tensor:
        """The share of each token in a mean over the document, [batch, n], 0 for padding; they add up to 1."""
        a = (self.pool(ids, h) if weighted else torch.ones_like(h[..., 0])) * mask  # [batch, n]
        return a / a.sum(1, keepdim=True)

    def pooled(self, ids: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """The trunk's vector of a document, [batch, d_model]: the mean of LN(x) over its tokens, weighted with importance"""
        h = self.norm(x)  # [batch, n, d_model]
        return torch.einsum("bn,bnd->bd", self.weights(ids, h, mask, self.config.importance), h)

    def token_weights(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The share of each token vector in their mean, [batch, n], as `weights`"""
        s = (self.pool.alone(ids) if self.config.importance else torch.ones_like(mask, dtype=self.norm.weight.dtype)) * mask  # [batch, n]
        return s / s.sum(1, keepdim=True)

    def token_mean(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The mean of the token vectors without position, stem or layers, [batch, d_model], weighted with importance"""
        return torch.einsum("bn,bnd->bd", self.token_weights(ids, mask), self.embed["token"](ids))

    def vector(self, ids: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """What `embed` gives of a document, [batch, 2 d_model]: the directions of the pooled vector and of the mean of the token vectors"""
        return torch.cat([F.normalize(self.pooled(ids, x, mask), dim=-1), F.normalize(self.token_mean(ids, mask), dim=-1)], -1)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids [batch, n] and mask [batch, n] (True for a token, False for padding) -> logits [batch, n_classes]"""
        x = self.encode(ids, mask)[-1]  # [batch, n, d_model]
        if self.config.pooling in ("window-max", "directions") or self.config.words:
            contributions = self.contributions(ids, x, mask) * mask[..., None]  # [batch, n, n_classes]
            return self.head.bias + contributions.sum(1) / mask.sum(1, keepdim=True)  # [batch, n_classes]
        h = self.norm(x)  # [batch, n, d_model]
        weights = self.weights(ids, h, mask, self.config.pooling == "weighted")  # [batch, n]
        return self.head(torch.einsum("bn,bnd->bd", weights, h))  # [batch, n_classes]

    def contributions(self, ids: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Each token's part of each logit, [batch, n, n_classes]; their mean plus the head's bias is the logit."""
        h = self.norm(x)  # [batch, n, d_model]
        n = mask.sum(1)[:, None, None]  # [batch, 1, 1]
        terms = h @ self.head.weight.T  # [batch, n, n_classes]
        if self.config.pooling == "window-max":
            start, end = (edge[:, None] for edge in self.evidence(ids, terms, mask))  # [batch, 1, n_classes]
            token = torch.arange(ids.shape[1])[None, :, None]  # [1, n, 1]
            inside = (token >= start) & (token < end)  # [batch, n, n_classes]
            out = inside * n / (end - start) * terms
            for c in range(self.config.n_classes if self.config.words else 0):
                out[..., c] += n[..., 0] * self.words(ids, mask & inside[..., c])[..., c]
            return out
        if self.config.pooling == "directions":
            a = self.weights(ids, h, mask, self.config.importance) / self.pooled(ids, x, mask).norm(dim=-1, keepdim=True)  # [batch, n]
            s = self.token_weights(ids, mask) / self.token_mean(ids, mask).norm(dim=-1, keepdim=True)  # [batch, n]
            out = n * (a[..., None] * terms + s[..., None] * (self.embed["token"](ids) @ self.head.token_weight.T))
            return out + (n * self.words(ids, mask) if self.config.words else 0)
        share = n * self.weights(ids, h, mask, self.config.pooling == "weighted")[..., None]  # [batch, n, 1]
        return share * terms + (n * self.words(ids, mask) if self.config.words else 0)

    def evidence(self, ids: Tensor, terms: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Start and end of the window whose mean of terms [batch, n, n_classes] and words' part are largest, each [batch, n_classes]

        Windows are two halves: from each multiple of window / 2 on. The last one is where the document ends in its second half.
        The word head sees each window as a document of its own.
        """
        half = self.config.window // 2
        pad = -terms.shape[1] % half
        sums = F.pad(terms * mask[..., None], (0, 0, 0, pad)).unflatten(1, (-1, half)).sum(2)  # [batch, halves, n_classes]
        counts = F.pad(mask, (0, pad)).unflatten(1, (-1, half)).sum(2)[..., None]  # [batch, halves, 1]
        after = F.pad(counts, (0, 0, 0, 1))[:, 1:]  # [batch, halves, 1]
        means = (sums + F.pad(sums, (0, 0, 0, 1))[:, 1:]) / (counts + after).clamp(min=1)  # [batch, halves, n_classes]
        for i in range(means.shape[1] if self.config.words else 0):
            window = slice(i * half, i * half + self.config.window)
            means[:, i] += self.words(ids[:, window], mask[:, window]).sum(1)
        means[:, 1:] = means[:, 1:].masked_fill(after[:, 1:] == 0, -math.inf)
        start = means.argmax(1) * half  # [batch, n_classes]
        return start, torch.minimum(start + self.config.window, mask.sum(1, keepdim=True))

    def tensors(self) -> dict[str, Tensor]:
        """The weights under the names and shapes of the model file."""
        out = {}
        for name, tensor in self.state_dict().items():
            if name.endswith((".E.weight", ".F.weight")):
                name = name.removesuffix(".weight")
                if self.config.sharing != "none":
                    tensor = tensor[0]
            out[name] = tensor.detach().contiguous()
        return out
