"""The base of all errors that are the user's to mend."""

from __future__ import annotations


class UserError(ValueError):
    """Something the user gave is wrong. The text is complete lines (what, where, remedy), shown without a traceback."""
