#!/usr/bin/env python3
"""Write a half-megabyte llama model with random weights, for a real inference server without a download.

What it says is noise; what the server around it does is not: chat template, token counts, grammar-constrained
JSON, context limits, queues. Every byte is a token, so a text of n bytes counts n tokens. Needs `gguf` and
`numpy`, which live in the server's environment; docs/howto/real-model.md has the steps.

    python scripts/tiny_model.py tiny.gguf [--context 16384] [--seed 1]
"""

import argparse
from dataclasses import dataclass

import gguf  # type: ignore[import-not-found]  # lives in the model server's environment
import numpy as np

CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }}\n{% endfor %}<assistant> "
)
NORMAL_BYTE, CONTROL, UNKNOWN = 6, 3, 2  # token types as llama.cpp numbers them
WEIGHT_SPREAD = 0.05


@dataclass(frozen=True)
class Shape:
    """The dimensions of the network; `width` must be a multiple of `heads`."""

    width: int = 64
    layers: int = 2
    heads: int = 4
    hidden: int = 128
    context_tokens: int = 16384


def byte_vocabulary() -> tuple[list[bytes], list[int]]:
    """Three control tokens (unknown, begin, end) and one token for each byte, with their types."""
    control = [(b"<unk>", UNKNOWN), (b"<s>", CONTROL), (b"</s>", CONTROL)]
    tokens = control + [(b"<0x%02X>" % value, NORMAL_BYTE) for value in range(256)]
    return [text for text, _ in tokens], [kind for _, kind in tokens]


def tensor_shapes(shape: Shape, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Every tensor of a llama network of this shape; one dimension means a norm, whose weights are ones."""
    tensors: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, shape.width),
        "output_norm.weight": (shape.width,),
        "output.weight": (vocabulary, shape.width),
    }
    for layer in range(shape.layers):
        parts: dict[str, tuple[int, ...]] = {
            "attn_norm": (shape.width,),
            **dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (shape.width, shape.width)),
            "ffn_norm": (shape.width,),
            **dict.fromkeys(("ffn_gate", "ffn_up"), (shape.hidden, shape.width)),
            "ffn_down": (shape.width, shape.hidden),
        }
        tensors |= {f"blk.{layer}.{name}.weight": size for name, size in parts.items()}
    return tensors


def describe(writer: gguf.GGUFWriter, shape: Shape) -> int:
    """Put the header's facts into the file; returns the size of the vocabulary."""
    tokens, kinds = byte_vocabulary()
    writer.add_vocab_size(len(tokens))
    writer.add_context_length(shape.context_tokens)
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(CHAT_TEMPLATE)
    return len(tokens)


def write_model(path: str, shape: Shape, seed: int) -> None:
    """Write the whole model to `path`; the same shape and seed give the same file."""
    writer = gguf.GGUFWriter(path, "llama")
    vocabulary = describe(writer, shape)
    draw = np.random.default_rng(seed)
    for name, size in tensor_shapes(shape, vocabulary).items():
        norm = len(size) == 1
        values = np.ones(size) if norm else draw.normal(scale=WEIGHT_SPREAD, size=size)
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Parse the arguments and write the file."""
    parser = argparse.ArgumentParser(description="write a tiny random llama model as GGUF")
    parser.add_argument("path", help="the file to write")
    parser.add_argument(
        "--context", type=int, default=Shape.context_tokens, help="prompt and answer, in tokens"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write_model(options.path, Shape(context_tokens=options.context), options.seed)


if __name__ == "__main__":
    main()
