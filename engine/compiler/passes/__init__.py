"""Shorter ways to say the same: rules by the kind of node that they look at, tried in this order.

simplify   every node made anew by the rules, until nothing changes
rules      the table of rules, filled by:
           constants, finer, pieces, scalars, sums, views, whole
sharing    rows that are part of longer rows
"""

from engine.compiler.passes import constants as constants
from engine.compiler.passes import finer as finer
from engine.compiler.passes import pieces as pieces
from engine.compiler.passes import scalars as scalars
from engine.compiler.passes import sums as sums
from engine.compiler.passes import views as views
from engine.compiler.passes import whole as whole
from engine.compiler.passes.rules import fitting as fitting
