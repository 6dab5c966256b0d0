"""What ops mean in the graph's words, by families; and the symbolic arrays on which an op's own array code runs.

lower        one op: a rule written for it, else its own array code, else Python
told         what an op became, remembered
rules        the table of rules, filled by:
             elementwise, products, convolution, pooling, norms, losses, moving, tables
symbolic     arrays on which array code becomes nodes
library      NumPy's functions on them, and the graph's own words for rules
functions    those of them that are more than one word
rebound      ops whose attributes hold arrays of the step
optimise     the steps of optimisers
"""

from engine.compiler.lowering import convolution as convolution
from engine.compiler.lowering import elementwise as elementwise
from engine.compiler.lowering import functions as functions
from engine.compiler.lowering import losses as losses
from engine.compiler.lowering import moving as moving
from engine.compiler.lowering import norms as norms
from engine.compiler.lowering import pooling as pooling
from engine.compiler.lowering import products as products
from engine.compiler.lowering import tables as tables
from engine.compiler.lowering.rules import RULES as RULES
