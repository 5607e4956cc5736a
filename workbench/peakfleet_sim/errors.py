"""The one error that the simulator raises."""


class DemandError(ValueError):
    """Demand cannot be read, or what is asked of it does not fit it.

    The message names the file, the line or the field, the value and what is allowed.
    """
