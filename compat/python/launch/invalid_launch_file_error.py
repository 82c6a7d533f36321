"""The error of a launch file that no front end can load."""


class InvalidLaunchFileError(Exception):
    """Says what went wrong with each front end that was tried."""

    def __init__(self, extension: str = "", *, likely_errors: list[Exception] | None = None) -> None:
        self._extension = extension
        self._likely_errors = likely_errors or []
        super().__init__(self._message())
        if len(self._likely_errors) == 1:
            self.__cause__ = self._likely_errors[0]

    def _message(self) -> str:
        if not self._likely_errors:
            return (f"the launch file (extension '{self._extension}') is not one this stand-in can load: "
                    "only Python launch files (.py) are supported")
        causes = "; ".join(f"{type(e).__name__}: {e}" for e in self._likely_errors)
        return f"the launch file (extension '{self._extension}') could not be loaded: {causes}"

    def __str__(self) -> str:
        return self._message()
