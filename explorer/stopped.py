"""Settings whose algorithm was stopped: the codes that it had found by then stand for those it would have found.

They are Settings to every stage and every picture, under keys of their own, and nobody's promise: they
are not equal to the Settings that were asked for, and what comes out of them carries no stamp.
"""

from dataclasses import dataclass, field, fields

from explorer.settings import Settings

KEEPS = {"target", "evaluation_samples"}  # changes after which the codes are still those of these settings


@dataclass(frozen=True)
class Stopped(Settings):
    """digest: of the codes; tensors: a QuantizedTensor for each layer; said: how far it was, in one sentence."""

    digest: str = ""
    tensors: tuple = field(default=(), compare=False, repr=False)
    said: str = field(default="", compare=False)

    def replace(self, **changes) -> Settings:
        """A copy with `changes`; with others than target and test samples plain Settings, whose codes are to be found."""
        return super().replace(**changes) if set(changes) <= KEEPS else self.asked.replace(**changes)

    @property
    def asked(self) -> Settings:
        """The plain Settings."""
        return Settings(**{each.name: getattr(self, each.name) for each in fields(Settings)})
