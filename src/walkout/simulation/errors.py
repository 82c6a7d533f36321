"""Errors of the simulator whose message is one line for the user: what is wrong, and the remedy."""


class RendererError(RuntimeError):
    """Pictures cannot be rendered here."""
