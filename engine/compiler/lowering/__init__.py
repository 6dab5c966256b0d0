"""What ops mean in the graph's words, by families; and the symbolic arrays on which an op's own array code runs."""

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
