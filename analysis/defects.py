"""What is wrong with a result directory: the first defect is an error, or each becomes one note."""
from analysis.input_error import InputError


class Defects(list):
    """Messages, each of one line. Strict: the first one is thrown as an InputError."""

    def __init__(self, strict):
        super().__init__()
        self.strict = strict

    def add(self, message):
        message = " ".join(str(message).splitlines())
        if self.strict:
            raise InputError(message)
        self.append(message)

    def about(self, path):
        """Whether one of them begins with that file."""
        return any(message.startswith(f"{path}:") for message in self)
