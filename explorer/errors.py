"""The errors a person may see: each is one sentence that says what is wrong and what to do."""


class ExplorerError(ValueError):
    """Base of all errors that the explorer raises on purpose."""


class SettingsError(ExplorerError):
    """What was asked cannot be done; the sentence names what is allowed."""


class ModelError(ExplorerError):
    """A model's file is missing, truncated or not what it should be."""


class DataError(ExplorerError):
    """A tensor or data set cannot be used: NaN, infinity, nothing in it, wrong type."""


class Cancelled(ExplorerError):
    """The person asked to stop; what was finished stays in the cache."""
