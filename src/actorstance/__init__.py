"""Who stands where on whom, from the raw page to a number.

The flow, in six lines::

    (document,) = actorstance.read("article.txt")            # lines kept and cut, sentences with offsets
    corpus = actorstance.corpora.load("newsroom")            # labelled sentences: (text, source, target, label)
    model = actorstance.LinearModel()                        # sees which pair is meant
    actorstance.pipeline.train(corpus, model, "outputs/a")   # held-out metrics, actor scores, a saved model
    model = actorstance.load("outputs/a")                    # on another machine, offline, nothing in it can run
    rows = actorstance.stances(document, model)              # the scored pairs of a new article

In a notebook: docs/python.md.
"""

from actorstance import checking, comparing, corpora, pipeline
from actorstance.actors import Registry
from actorstance.documents import read
from actorstance.errors import InputError
from actorstance.models import load
from actorstance.models.linear import LinearModel
from actorstance.pipeline import stances
from actorstance.saved import read_saved

__version__ = "0.1.0"
__all__ = [
    "InputError",
    "LinearModel",
    "Registry",
    "checking",
    "comparing",
    "corpora",
    "load",
    "pipeline",
    "read",
    "read_saved",
    "stances",
]
