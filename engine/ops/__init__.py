"""Room 1, what can be computed: one class per operation, with every rule about it. See `engine.ops.op`."""

from engine.ops import accumulate as accumulate
from engine.ops import activation as activation
from engine.ops import adaptive as adaptive
from engine.ops import compare as compare
from engine.ops import conv as conv
from engine.ops import diagonal as diagonal
from engine.ops import elementwise as elementwise
from engine.ops import function as function
from engine.ops import index as index
from engine.ops import joining as joining
from engine.ops import linalg as linalg
from engine.ops import loss as loss
from engine.ops import moving as moving
from engine.ops import norm as norm
from engine.ops import pool as pool
from engine.ops import random as random
from engine.ops import reduce as reduce
from engine.ops import resample as resample
from engine.ops import scatter as scatter
from engine.ops import shape as shape
from engine.ops import statistics as statistics
from engine.ops import strided as strided
from engine.ops.op import FUNCTIONS as FUNCTIONS
from engine.ops.op import OPS as OPS
from engine.ops.op import Case as Case
from engine.ops.op import Op as Op
