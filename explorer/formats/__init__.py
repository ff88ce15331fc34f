"""Number formats: each is a value with named fields, found by its id.

A format knows the codes it has and the numbers they stand for, in units of the scale.
Every other part of the engine is written for any of them.
"""

from explorer.registry import Registry

FORMATS: Registry = Registry("number format")

FORMATS.discover(__name__, __path__)
