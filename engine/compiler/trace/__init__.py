"""From a step to a graph: it is watched, twice where it may do otherwise the next time.

events    what a step does: every op, and what happened besides ops
undo      taking back what it did to memory
compare   two traces of one step: what is the same will be so again
reach     what of Python it can come to
outside   what it leaves in Python: then it stays eager
numbers   those that it makes of tensors only to return them
plain     steps of which one look is enough
hollow    those watched without computing anything
home      where parameters, gradients and states live
flat      what an optimiser moves together, as one value
updates   clipping and the steps of optimisers
assemble  the events in order, become nodes of a graph
recipe    what comes of it: the graph, and what goes with it outside of arrays
guard     when it holds: what Python would see must be what it saw
"""
