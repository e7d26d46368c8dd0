"""The one exception that a user's mistake raises."""


class InputError(ValueError):
    """Bad input or usage: one line that says what was wrong, what was found and what to do.

    Scripts print it and exit with code 2; everything else is a defect of ours and exits with 1.
    """
