"""Writes a model file as .tflite, for LiteRT.js: the forward pass of training/model.py for one document of exactly n_max tokens.

    python -m venv .venv && .venv/bin/pip install -r bench/requirements.txt
    .venv/bin/python bench/tflite.py --model build/bench/NAME.safetensors --precision int8 --out NAME.tflite

Ids [n_max] (int32) to logits [1, n_classes]. Every shape is fixed, and each map is one operator that XNNPACK has: a linear map a
FULLY_CONNECTED, the projection as well (E is its weight, and h stands on its side), GELU a GELU.

int8 is the converter's dynamic range quantisation: weights as int8, activations quantised at run time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors import safe_open


def read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """The config and the float32 tensors of a model file."""
    with safe_open(path, "np") as file:
        config = json.loads(file.metadata()["config"])
        weights = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("tokenizer.")}
    for name, values in weights.items():
        if values.dtype != np.float32:
            raise SystemExit(f"{path}: {name} is {values.dtype}, not float32")
    if config["attention"] == "linformer" and (config["sharing"], config["projection"]) != ("layerwise", "linear"):
        raise SystemExit(f"{path}: {config['sharing']} sharing of a {config['projection']} projection cannot be written")
    return config, weights


def forward(config: dict, weights: dict[str, np.ndarray]) -> Callable[[tf.Tensor], tf.Tensor]:
    """ids [n_max] -> logits [1, n_classes]"""
    n, d, heads = config["n_max"], config["d_model"], config["n_heads"]
    full = config["attention"] == "full"

    def linear(x: tf.Tensor, name: str, scale: float = 1.0) -> tf.Tensor:
        """[rows, in] -> [rows, out]; a scale of the result goes into the weights"""
        product = tf.matmul(x, tf.constant(weights[f"{name}.weight"] * scale), transpose_b=True)
        return product + tf.constant(weights[f"{name}.bias"] * scale)

    def norm(x: tf.Tensor, name: str) -> tf.Tensor:
        mean = tf.reduce_mean(x, axis=1, keepdims=True)  # [rows, 1]
        centred = x - mean
        variance = tf.reduce_mean(tf.square(centred), axis=1, keepdims=True)
        return centred * tf.math.rsqrt(variance + 1e-5) * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def split(x: tf.Tensor) -> tf.Tensor:
        """[rows, d_model] -> [n_heads, rows, d_head]"""
        return tf.transpose(tf.reshape(x, [-1, heads, d // heads]), [1, 0, 2])

    def run(ids: tf.Tensor) -> tf.Tensor:
        tokens = tf.gather(weights["embed.token.weight"], ids)  # [n, d_model]
        x = tokens + weights["embed.position.weight"]
        if config.get("stem"):  # each token beside the one before and the one after it, zeros beyond the ends
            none = tf.zeros([1, d])
            previous, following = tf.concat([none, tokens[:-1]], 0), tf.concat([tokens[1:], none], 0)
            inner = tf.nn.gelu(linear(tf.concat([previous, tokens, following], 1), "stem.in"), approximate=True)
            x = x + linear(inner, "stem.out")
        for layer in range(config["n_layers"]):
            at = f"layers.{layer}"
            h = norm(x, f"{at}.attn_norm")
            p = h  # [k or n, d_model]
            if not full:
                p = tf.transpose(tf.matmul(tf.transpose(h), tf.constant(weights["attn.E"]), transpose_b=True))
            query = split(linear(h, f"{at}.attn.query", (d // heads) ** -0.5))
            key, value = split(linear(p, f"{at}.attn.key")), split(linear(p, f"{at}.attn.value"))
            probs = tf.nn.softmax(tf.matmul(query, key, transpose_b=True))  # [n_heads, n, k or n]
            ctx = tf.transpose(tf.matmul(probs, value), [1, 0, 2])  # [n, n_heads, d_head]
            x = x + linear(tf.reshape(ctx, [n, d]), f"{at}.attn.out")
            inner = tf.nn.gelu(linear(norm(x, f"{at}.ffn_norm"), f"{at}.ffn.in"), approximate=True)
            x = x + linear(inner, f"{at}.ffn.out")
        pooled = tf.reduce_mean(norm(x, "norm"), axis=0, keepdims=True)  # [1, d_model]
        return linear(pooled, "head")

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help=".safetensors, float32")
    parser.add_argument("--precision", choices=["float32", "int8"], required=True)
    parser.add_argument("--out", type=Path, required=True, help=".tflite")
    args = parser.parse_args()

    config, weights = read(args.model)
    run = tf.function(forward(config, weights), input_signature=[tf.TensorSpec([config["n_max"]], tf.int32, name="ids")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([run.get_concrete_function()])
    if args.precision == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    args.out.write_bytes(converter.convert())


if __name__ == "__main__":
    main()
