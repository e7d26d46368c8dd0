"""What a command ends with when it cannot do what was asked, and the checks of settings that are numbers."""

from __future__ import annotations

import errno
from typing import Any

# What a user can mend: a place that may not be read or written, is of another kind, or has no room.
_OF_THE_SYSTEM = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG}
    | {errno.ENOSPC, errno.EDQUOT}
)


class InputError(ValueError):
    """Bad input or usage: one line that says what was wrong, what was found and what to do.

    Scripts print it and exit with code 2; everything else is a bug of ours and exits with 1.
    """


def of_the_system(error: OSError) -> InputError | None:
    """Return what the system says of a file or folder as an InputError; None if it may be a bug of ours.

    Example:
        >>> of_the_system(PermissionError(errno.EACCES, "Permission denied", "a/b.txt"))
        InputError('a/b.txt: Permission denied.')

    """
    if error.errno not in _OF_THE_SYSTEM:
        return None
    place = f"{error.filename}: " if error.filename is not None else ""
    return InputError(f"{place}{error.strerror}.")


class AuditFailed(Exception):  # noqa: N818  (not an error: the audit did what was asked)
    """A corpus has checks over their limits: one line that says what that means. Scripts print it and exit with 1."""


def require_int(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return a setting that is a whole number, at least `low` and, if it is given, at most `high`.

    Raises:
        InputError: naming the setting and what it is, if it is anything else; true and false are not numbers.

    Example:
        >>> require_int("epochs", 3, 1)
        3
        >>> require_int("epochs", True, 1)
        Traceback (most recent call last):
        actorstance.errors.InputError: epochs=True: expected a whole number of at least 1.

    """
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        bounds = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise InputError(f"{name}={value!r}: expected a whole number {bounds}.")
    return value


def require_number(name: str, value: Any, low: float, high: float) -> float:
    """Return a setting that is a number from `low` to `high`.

    Raises:
        InputError: naming the setting and what it is, if it is anything else; true and false are not numbers.

    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{name}={value!r}: expected a number from {low} to {high}.")
    return float(value)


def require_seed(value: Any, name: str = "seed") -> int:
    """Return a seed: a whole number of at most 32 bits, as NumPy takes them.

    Raises:
        InputError: naming the setting and what it is, if it is anything else.

    """
    return require_int(name, value, 0, 2**32 - 1)


def require_fitted(model: object, learned: str) -> None:
    """Raise InputError if a model has not learned yet; `learned` is the attribute that it has from then on."""
    if not hasattr(model, learned):
        raise InputError("the model is not fitted. Train it (pipeline.train, or its fit), or load a saved one.")
