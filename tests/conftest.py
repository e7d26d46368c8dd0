"""What several test modules share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from actorstance import corpora, pipeline
from actorstance.models.linear import LinearModel

collect_ignore = ["gold/ppi.py"]  # no test: how the figures beside it were made, with a package that tests do without
FEW = {"train": 16, "valid": 4, "test": 6}  # articles: enough to fit, to tune and for intervals, and quick


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a linear model on a few articles of the newsroom."""
    corpus = corpora.load("newsroom")
    documents, splits = (np.asarray(corpus.examples[name][:]) for name in ("document_id", "split"))
    chosen = [name for split, n in FEW.items() for name in list(dict.fromkeys(documents[splits == split]))[:n]]
    few = replace(corpus, examples=corpus.examples.select(np.flatnonzero(np.isin(documents, chosen))))
    run = tmp_path_factory.mktemp("few") / "run"
    pipeline.train(few, LinearModel(), run)
    return run


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a BERT of 2 small layers that knows nothing, and a tokenizer of letters: nothing to download."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.set_num_threads(1)  # more only wait for one another over matrices this small
    verbs = ["blamed", "accused", "thanked", "praised", "met", "phoned", "was", "by"]
    names = ["ana", "bo", "cleo", "dov", "esra", "finn", "quill", "roper"]
    letters = [chr(number) for number in range(33, 127)]
    pieces = [f"##{letter}" for letter in letters]
    vocabulary = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *verbs, *names, *letters, *pieces])
    numbered = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(numbered, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    folder = tmp_path_factory.mktemp("tiny")
    special = {
        name: f"[{name[:-6].upper()}]" for name in ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    }
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(numbered),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=256,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return str(folder)
