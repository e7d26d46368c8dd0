"""TF-IDF and logistic regression over features of the pair.

A bag of words cannot know who stands where on whom. So an example's features are its sentence *as seen from the pair*:
source and target appear in it as SOURCE and TARGET, and words count by their position relative to the two. TF-IDF and
one logistic regression per label (one against the rest, classes balanced) do the rest; a temperature, fitted on the
validation part, makes the probabilities honest. Features are hashed (to 31 bits, so hardly any two collide): no
vocabulary is built, kept or saved, and the words of the training text are not in the model's folder.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import sparse
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from sklearn.utils import murmurhash3_32

from actorstance.actors import Registry
from actorstance.errors import InputError, require_fitted, require_int
from actorstance.examples import LABELS, among, known_labels, label_sets, labels, weights
from actorstance.models import Watch, bundle
from actorstance.models.calibration import TEMPERATURES, fit_temperature, with_temperature
from actorstance.models.features import features

TOLERANCE = 0.1  # of the solver; 0.0001 takes four times as long for the same answers

# How much a kind of feature weighs in the vector, a factor on its TF-IDF: the sentence as a whole says less about one
# pair in it than the words at its mentions. Found by grouped cross-validation on DSE train.
WEIGHTS = {"word": 0.5, "cue": 2.0}  # all others: 1
PART = 2**20  # counts whose columns are looked up at a time
BUCKETS = 2**31 - 1  # of the hash, as many as an index has room for


class LinearModel:
    """TF-IDF + logistic regression that knows which pair is meant.

    Args:
        C: inverse strength of the L2 penalty, > 0 and ≤ 1e9. 10 was best of 3, 10 and 30 on DSE.
        min_df: a feature must occur in this many training examples, ≥ 1.
        max_iter: maximum number of solver iterations, ≥ 1. It stops with an error if they are not enough.

    Example:
        >>> from actorstance.examples import dataset
        >>> def row(i, verb, label):
        ...     return f"row {i}", dict(example_id=str(i), document_id=str(i), group_id=str(i), label=label,
        ...         text=f"Ana {verb} Bo.", source="ana", source_start=0, source_end=3,
        ...         target="bo", target_start=5 + len(verb), target_end=7 + len(verb))
        >>> train = dataset(row(i, verb, label) for i, (verb, label) in enumerate(
        ...     [("blamed", "against"), ("thanked", "favor"), ("met", "neutral")] * 4))
        >>> model = LinearModel(min_df=1).fit(train, train)
        >>> model.predict_proba(train.select([0])).argmax(axis=1)
        array([0])

    """

    kind: ClassVar[str] = "linear"

    def __init__(self, C: float = 10.0, min_df: int = 2, max_iter: int = 1000) -> None:
        if isinstance(C, bool) or not isinstance(C, int | float) or not 0 < C <= 1e9:
            raise InputError(f"model.C={C!r}: expected a number above 0, at most 1e9.")
        for name, value in (("min_df", min_df), ("max_iter", max_iter)):
            require_int(f"model.{name}", value, 1)
        self.C, self.min_df, self.max_iter = float(C), min_df, max_iter
        self.registry: Registry | None = None
        self.watch: Watch | None = None  # it has no epochs to report
        self.card: dict[str, Any] = {}
        self.sha256: str | None = None
        self.log: list[dict[str, Any]] = []
        self.cropped: dict[str, dict[str, int]] = {}  # it never crops: sentences may have any length

    @property
    def params(self) -> dict[str, Any]:
        """The arguments that make an unfitted model like this one."""
        return {"C": self.C, "min_df": self.min_df, "max_iter": self.max_iter}

    def fit(self, train: Dataset, valid: Dataset, checkpoints: Path | None = None) -> LinearModel:
        """Learn from `train`, and the temperature from `valid`. It takes seconds, so it leaves no checkpoints.

        Raises:
            InputError: if an example has no label, or all have the same.

        """
        y = labels(train)
        if len(set(y.tolist())) < 2:
            raise InputError(
                f"all {len(y)} training examples are {LABELS[y[0]] if len(y) else 'missing'}; two labels are needed."
            )
        kinds: dict[str, set[int]] = {kind: set() for kind in WEIGHTS}

        def hashed(names: list[str]) -> NDArray[np.int32]:
            ids = _hashed(names)
            for name, one in zip(names, ids.tolist(), strict=True):
                if (kind := name.split(" ", 1)[0]) in kinds:
                    kinds[kind].add(one)
            return ids

        x = _counts(train, hashed, BUCKETS)
        ids, documents = np.unique(x.indices, return_counts=True)
        kept = documents >= self.min_df
        if not kept.any():
            raise InputError(f"no feature occurs in {self.min_df} training examples; set model.min_df=1.")
        self.ids_ = ids[kept]
        self.idf_ = np.log((1 + len(train)) / (1 + documents[kept])) + 1  # smooth, as scikit-learn's
        for kind, found_ids in kinds.items():
            at = self._columns(np.fromiter(found_ids, np.int32, len(found_ids)))
            self.idf_[at[at >= 0]] *= WEIGHTS[kind]
        x = self._weighed(x)
        self.coef_ = np.zeros((len(LABELS), len(self.ids_)))
        self.intercept_ = np.full(len(LABELS), -np.inf)  # a label never seen in training has probability 0
        found = sorted(set(y.tolist()))
        sets = label_sets(train)
        known, weight = known_labels(train, sets), weights(train) if sets else None
        # One after the other: the solver's random numbers are per process, and threads would mix them.
        fitted = [self._one_against_rest(x, y == label, known[:, label], weight, LABELS[label]) for label in found]
        for label, binary in zip(found, fitted, strict=True):
            self.coef_[label], self.intercept_[label] = binary.coef_[0], binary.intercept_[0]
        self.log = [
            {"label": LABELS[label], "features": len(self.ids_), "iterations": int(binary.n_iter_[0])}
            for label, binary in zip(found, fitted, strict=True)
        ]
        self.temperature_ = 1.0
        if len(valid):
            self.temperature_ = fit_temperature(
                among(self.predict_proba(valid), known_labels(valid, sets)), labels(valid)
            )
        return self

    def _one_against_rest(
        self,
        x: sparse.csr_array,
        y: NDArray[np.bool_],
        known: NDArray[np.bool_],
        weight: NDArray[np.float64] | None,
        label: str,
    ) -> LogisticRegression:
        """Fit one label on the examples whose corpus has it: without neutral, nothing is known not to be neutral."""
        if not known.all():
            x, y, weight = x[known], y[known], None if weight is None else weight[known]
        if y.all():
            raise InputError(f"every example of the corpora that have the label {label} has it; another is needed.")
        # The dual suits few rows with many features; the seed sets the order of its steps.
        options = {"class_weight": "balanced", "solver": "liblinear", "dual": True, "random_state": 0}
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                return LogisticRegression(C=self.C, tol=TOLERANCE, max_iter=self.max_iter, **options).fit(x, y, weight)
            except ConvergenceWarning as error:
                message = f"model.max_iter={self.max_iter}: the solver needs more steps at model.C={self.C}. Raise it."
                raise InputError(message) from error

    def predict_proba(self, examples: Dataset) -> NDArray[np.float64]:
        """Return the probabilities of against, neutral and favor, shape (n, 3); every row sums to 1."""
        if not len(examples):
            return np.zeros((0, len(LABELS)))
        odds = expit(self._vectors(examples) @ self.coef_.T + self.intercept_)
        if not (np.isfinite(odds).all() and odds.any(axis=1).all()):
            raise InputError("the model's weights give probabilities that are not numbers. Copy the model again.")
        return with_temperature(odds / odds.sum(axis=1, keepdims=True), self.temperature_)

    def explain(self, examples: Dataset, top: int = 5) -> list[list[tuple[str, float]]]:
        """Name the features that pushed each prediction most, with their share of the label's log-odds.

        Returns:
            For each example up to `top` pairs (feature, push), strongest first. A push above 0 favors the
            predicted label.

        """
        if not len(examples):
            return []
        x, predicted = self._vectors(examples), self.predict_proba(examples).argmax(axis=1)
        result: list[list[tuple[str, float]]] = []
        for found in features(examples):
            columns = self._columns(_hashed(found.names))
            order = np.argsort(found.row, kind="stable")
            for here in np.split(found.feature[order], np.searchsorted(found.row[order], np.arange(1, found.rows))):
                row = len(result)
                span = slice(x.indptr[row], x.indptr[row + 1])
                pushes = x.data[span] * self.coef_[predicted[row], x.indices[span]]
                push = dict(zip(x.indices[span].tolist(), pushes.tolist(), strict=True))
                names = sorted((found.names[one], int(columns[one])) for one in np.unique(here))
                named = [(name, push[at]) for name, at in dict(names).items() if at in push]
                result.append(sorted(named, key=lambda pair: -abs(pair[1]))[:top])
        return result

    def save(self, folder: str | Path) -> None:
        """Write the model as a new folder that `actorstance.load` opens. See `bundle.write`."""
        bundle.write(Path(folder), self, self._write)

    def _write(self, folder: Path) -> dict[str, Any]:
        require_fitted(self, "ids_")
        arrays = {"ids": self.ids_, "idf": self.idf_, "coef": self.coef_, "intercept": self.intercept_}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "weights.safetensors")
        return {"temperature": self.temperature_}

    @classmethod
    def read(cls, folder: Path, meta: dict[str, Any]) -> LinearModel:
        """Open what `_write` wrote. `bundle.verify` has checked the files' hashes."""
        model = cls(**meta["params"])
        arrays = load_file(folder / "weights.safetensors")
        shapes = {name: array.shape for name, array in sorted(arrays.items())}
        size = len(arrays["ids"])
        expected = {"coef": (len(LABELS), size), "idf": (size,), "ids": (size,), "intercept": (len(LABELS),)}
        temperature = meta["temperature"]
        sound = (
            shapes == expected
            and size > 0
            and arrays["ids"].dtype == np.int32
            and bool((np.diff(arrays["ids"]) > 0).all())
            and all(
                arrays[name].dtype == np.float64 and not np.isnan(arrays[name]).any()
                for name in expected
                if name != "ids"
            )
            and bool(np.isfinite(arrays["idf"]).all() and np.isfinite(arrays["coef"]).all())
            and bool(np.isfinite(arrays["intercept"]).any())
            and isinstance(temperature, float)
            and TEMPERATURES[0] <= temperature <= TEMPERATURES[1]
        )
        if not sound:
            raise InputError(
                f"{folder}: weights of shape {shapes}, expected {expected}, sorted ids, numbers that are finite."
            )
        model.ids_, model.idf_ = arrays["ids"], arrays["idf"]
        model.coef_, model.intercept_ = arrays["coef"], arrays["intercept"]
        model.temperature_ = temperature
        return model

    def _vectors(self, examples: Dataset) -> sparse.csr_array:
        """TF-IDF of the features that training knew, each row of length 1."""
        require_fitted(self, "ids_")
        x = _counts(examples, lambda names: self._columns(_hashed(names)), len(self.ids_))
        x.data *= self.idf_[x.indices]
        return normalize(x, copy=False)

    def _weighed(self, x: sparse.csr_array) -> sparse.csr_array:
        """TF-IDF of hashed counts in the columns that are kept, each row of length 1.

        With a million rows there are eighty million counts: nothing here holds them twice for longer than it must.
        """
        columns = self._columns(x.indices)
        known = columns >= 0
        ends = np.cumsum(known, dtype=x.indptr.dtype)
        indptr = np.concatenate([np.zeros(1, ends.dtype), ends])[x.indptr]
        data, columns = x.data[known], columns[known]
        data *= self.idf_[columns]
        return normalize(sparse.csr_array((data, columns, indptr), shape=(x.shape[0], len(self.ids_))), copy=False)

    def _columns(self, hashed: NDArray[np.int32]) -> NDArray[np.int32]:
        """The column of each hash value, -1 for one that training did not know."""
        columns = np.empty(len(hashed), dtype=np.int32)
        for part in (slice(at, at + PART) for at in range(0, len(hashed), PART)):
            found = np.minimum(np.searchsorted(self.ids_, hashed[part]), len(self.ids_) - 1)
            columns[part] = np.where(self.ids_[found] == hashed[part], found, -1)
        return columns


def _hashed(names: list[str]) -> NDArray[np.int32]:
    """The hash values of features, as scikit-learn's FeatureHasher has them: ≥ 0, < BUCKETS."""
    return (np.abs(np.fromiter(map(murmurhash3_32, names), np.int64, len(names))) % BUCKETS).astype(np.int32)


def _counts(examples: Dataset, columns: Callable[[list[str]], NDArray[np.int32]], width: int) -> sparse.csr_array:
    """Logarithmic counts of the examples' features, shape (n, width), in the columns of their names (-1 for none)."""
    parts = []
    for found in features(examples):
        at = columns(found.names)[found.feature]
        known = at >= 0
        ones = np.ones(np.count_nonzero(known))
        parts.append(sparse.coo_array((ones, (found.row[known], at[known])), shape=(found.rows, width)).tocsr())
        parts[-1].data = 1 + np.log(parts[-1].data)
    return sparse.vstack(parts, format="csr")
