"""The base of Tensor for what is derived: empty when a program runs, and told to type checkers by `declared.pyi`."""


class Declared:
    """Every op and composition is a method; `python -m engine.signatures` writes them down."""

    __slots__ = ()
