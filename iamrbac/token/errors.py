"""Why there is no token. Apart from `iamrbac.model`, since the plug-in imports nothing that is not needed."""

from __future__ import annotations


class TokenError(Exception):
    """No token can be made. `message` says what and why, `hint` the next step; neither holds a secret."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{one_line(self.message)}. Next: {self.hint}"


def one_line(text: str) -> str:
    """Return the text with all runs of white space as one blank, without a final full stop."""
    return " ".join(text.split()).rstrip(".")
