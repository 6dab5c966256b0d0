"""From a graph to rows: what each kernel computes, how it goes about it, where values lie.

planner       the whole way, group by group

What is one kernel:
free          nodes that need none
group         nodes over one space of loops
fusion        which nodes are one group
program       its scalar program

How it is computed:
loops         of a nest
pricing       of a product: every choice has a price
product       a product and the maps on it as work
triangles     zeros beyond a diagonal are left out
frames        zeros around a picture are left out
beside        sums of what a product copies anyway
zeros         what is zero in many places

Where values lie:
places        a buffer, an offset, strides; and what views make of them
parted        the batch as two axes, where vectors run along it
wishes        which axis should be innermost
outlook       what a result will meet
destinations  results straight into where they are wanted
scratch       one piece of memory for all that is not

What goes through the batch together:
blocks        a few samples at a time
bands         each thread its samples
"""
