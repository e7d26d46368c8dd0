"""Who stands where on whom, from the raw page to a number.

The flow, in six lines::

    document, = actorstance.read("article.txt")                  # lines kept and cut, sentences with offsets
    corpus = actorstance.corpora.load("newsroom")                # labelled sentences: (text, source, target, label)
    model = actorstance.models.linear.LinearModel()              # sees which pair is meant
    actorstance.pipeline.train(corpus, model, Path("outputs/a"))  # held-out metrics, actor scores, a saved model
    model = actorstance.load("outputs/a")                        # on another machine, offline, nothing in it can run
    rows = actorstance.stances(document, model)                  # the scored pairs of a new article
"""

from actorstance import corpora, pipeline
from actorstance.documents import read
from actorstance.errors import InputError
from actorstance.models import load
from actorstance.pipeline import stances

__version__ = "0.1.0"
__all__ = ["InputError", "corpora", "load", "pipeline", "read", "stances"]
