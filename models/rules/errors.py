"""Why a rule is refused: with the place in its text, or with the step that is not allowed."""

from models.errors import ModelError


class RuleError(ModelError):
    """A rule, or a step of one, cannot be used as asked."""


class RuleTextError(RuleError):
    """The text of a rule is wrong at one place. `line` and `column` count from 1."""

    def __init__(self, message: str, text: str, offset: int) -> None:
        offset = min(max(offset, 0), len(text))
        before = text[:offset]
        self.message = message
        self.line, self.column = before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
        self.source = text.split("\n")[self.line - 1]
        super().__init__(f"line {self.line}, column {self.column}: {message}")

    def picture(self) -> str:
        """Return the line that is wrong, with a mark below the place.

        >>> print(RuleTextError("unknown", "plays > 3 and playz < 2", 14).picture())
        plays > 3 and playz < 2
                      ^
        """
        # a tab is as wide in the line of the mark as it is in the text
        blanks = "".join(char if char == "\t" else " " for char in self.source[: self.column - 1])
        return f"{self.source}\n{blanks}^"
