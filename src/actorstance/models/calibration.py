"""Temperature: one number that makes a model's probabilities as confident as they are right.

Guo, Pleiss, Sun, Weinberger (2017), On Calibration of Modern Neural Networks, ICML.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

# Certainty can fit a few dozen validation examples perfectly: no temperature outside this range is believed.
TEMPERATURES = (0.2, 5.0)
_FLOOR = 1e-12  # of a gold label's probability, so that one that was never seen has a finite loss


def with_temperature(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return softmax(log p / temperature), shape (n, 3). Above 1 it makes a model less confident; its answer stays."""
    with np.errstate(divide="ignore"):  # a probability of 0 stays 0
        scaled = np.log(probabilities) / temperature
    result: NDArray[np.float64] = np.exp(scaled - logsumexp(scaled, axis=1, keepdims=True))
    return result


def fit_temperature(probabilities: NDArray[np.float64], gold: NDArray[np.int64]) -> float:
    """Return the temperature in [0.2, 5] under which the gold labels are most likely.

    Example:
        >>> sure = np.array([[0.98, 0.01, 0.01]] * 10)
        >>> round(fit_temperature(sure, np.array([0] * 7 + [1] * 3)), 1)  # wrong three times in ten
        3.0

    """

    def loss(log_temperature: float) -> float:
        scaled = with_temperature(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(scaled[np.arange(len(gold)), gold], _FLOOR)).mean())

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
