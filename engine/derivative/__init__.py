"""Four ways to differentiate one and the same function, each with its cost.

differences (numbers near the point), symbolic (a formula), forward and reverse mode (the run itself). Each takes the
function and a point, and gives a `Derivative`: value, Jacobians, and what it cost.
"""

from engine.derivative.cost import Cost as Cost
from engine.derivative.cost import Count as Count
from engine.derivative.cost import Derivative as Derivative
from engine.derivative.cost import forward as forward
from engine.derivative.cost import reverse as reverse
from engine.derivative.differences import StepErrors as StepErrors
from engine.derivative.differences import differences as differences
from engine.derivative.differences import error_by_step as error_by_step
from engine.derivative.expression import Expression as Expression
from engine.derivative.symbolic import Formula as Formula
from engine.derivative.symbolic import SymbolError as SymbolError
from engine.derivative.symbolic import formula as formula
from engine.derivative.symbolic import symbolic as symbolic
from engine.derivative.writing import function as function
from engine.derivative.writing import latex as latex
from engine.derivative.writing import python as python
from engine.derivative.writing import text as text
