"""What a command ends with when it cannot do what was asked: a user's mistake, or data that an audit found unfit."""


class InputError(ValueError):
    """Bad input or usage: one line that says what was wrong, what was found and what to do.

    Scripts print it and exit with code 2; everything else is a defect of ours and exits with 1.
    """


class AuditFailed(Exception):  # noqa: N818  (no error: the audit did what was asked)
    """A corpus has checks over their limits: one line that says what that means. Scripts print it and exit with 1."""
