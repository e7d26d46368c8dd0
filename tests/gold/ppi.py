"""How the figures of ppi-python in tests/test_correction.py were made: python tests/gold/ppi.py.

Needs ppi-python==0.2.3, which brings numba, statsmodels and gdown: too much for a test's sake, so its figures are kept.
"""

import sys
from pathlib import Path

import numpy as np
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from test_correction import corpus, sampled

truth, scores, _, _ = corpus(5, groups=200)
scores = np.clip(2 * scores, -1, 1)
gold = sampled(truth, np.random.default_rng(1), 100)
known = ~np.isnan(gold)
parts = (gold[known], scores[known], scores[~known])
low, high = ppi_mean_ci(*parts, alpha=0.05)
score = ppi_mean_pointestimate(*parts)
# The estimate is the labels' mean plus the power times how far the scores of labelled and unlabelled mentions lie apart.
power = (score - gold[known].mean()) / (scores[~known].mean() - scores[known].mean())
print({name: round(float(np.squeeze(x)), 5) for name, x in (("n", len(gold)), ("score", score), ("width", high - low), ("power", power))})
