"""The one exception by which a command says what went wrong."""

#: Exit code for mistakes in the command line and for what is not supported.
USAGE = 2


class CommandError(RuntimeError):
    """A failure to be shown as one line; `code` is the exit code of the process."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class NotSupported(CommandError):
    """Something upstream's ``ros2`` can do and this stand-in cannot."""

    def __init__(self, what: str) -> None:
        text = f"{what} is not supported by this stand-in of the ros2 command; install ROS 2 to use it"
        super().__init__(text, USAGE)
