"""The templates of native code, and what they are asked to do.

work        the data between a plan and its kernels: buffers, operands, rows
looks       every kind of work in one form: its loops, and parts of it along any of them

Scalar programs, and loops around them:
body        a scalar program, looked at
maths       its functions, a register at a time
doubles     those that need double precision on the way
nest        maps, reductions, softmax, norms
sweeps      how a nest becomes code
scope       what it knows on the way
walking     loops inside of loops

Sums of products:
product     what all of them share
contract    vectors along results: what sizes decide
tiles       which tiles of results
tiled       how a tile is written
packed      a panel of columns laid side by side before it is used
panels      both operands laid anew, for large matrices
sparse      zeros are left out
dot         vectors along the sum
ahead       memory that is asked for while a sum runs

Convolutions with fewer products:
transforms  the schemes of Winograd, Toom and Cook along one axis
winograd    3 x 3 taps along the channels
squares     how that is written
toom        taps along a row, the batch in the lanes
stretches   how that is written
taps        the same for the gradient of taps
scarce      3 x 3 taps over a gradient that is zero in most places
lists       how that is written

What computes nothing:
transpose   blocks turned in registers
rows        rows of tables by number, gathered and added up
"""
