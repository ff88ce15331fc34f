"""The rows of a scenario for the chosen network."""

from explorer.cost.scenarios import Row, compare
from explorer.settings import Settings
from explorer.stages import network_of


def rows(settings: Settings, id: str) -> tuple[Row, ...]:
    """Raises SettingsError for an unknown id."""
    return compare(id, network_of(settings))
