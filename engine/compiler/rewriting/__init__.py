"""Shorter ways to say the same: rules by the kind of node that they look at, tried in this order."""

from engine.compiler.rewriting import constants as constants
from engine.compiler.rewriting import finer as finer
from engine.compiler.rewriting import pieces as pieces
from engine.compiler.rewriting import scalars as scalars
from engine.compiler.rewriting import sums as sums
from engine.compiler.rewriting import views as views
from engine.compiler.rewriting import whole as whole
from engine.compiler.rewriting.rules import fitting as fitting
