"""The exceptions of transform lookups."""


class TransformException(Exception):
    """Base of all; catch this one."""


class LookupException(TransformException):
    """A frame is unknown."""


class ConnectivityException(TransformException):
    """The frames are not part of one tree."""


class ExtrapolationException(TransformException):
    """There is no data around the requested time."""


class InvalidArgumentException(TransformException):
    """A frame id or time that can never be valid."""


class TimeoutException(TransformException):
    """The transform did not become available in time."""
