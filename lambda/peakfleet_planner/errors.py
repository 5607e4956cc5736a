"""The one error that the planner raises."""


class SpecError(ValueError):
    """A fleet specification contradicts itself or cannot be read.

    The message names the field, the value it got and the values allowed.
    """
