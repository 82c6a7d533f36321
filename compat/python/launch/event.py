"""The base of events."""


class Event:
    """Something that happened; `name` identifies the kind."""

    name = "launch.Event"
