"""The same choice in other tools, as the page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.settings import Settings

if TYPE_CHECKING:
    from explorer.deploy.snippets import Snippet


def lines(settings: Settings) -> tuple[Snippet, ...]:
    """One Snippet for each tool. Raises SettingsError, ModelError."""
    from explorer.deploy.content import Plan
    from explorer.deploy.snippets import snippets  # loaded when somebody looks

    return snippets(Plan.of(settings))
