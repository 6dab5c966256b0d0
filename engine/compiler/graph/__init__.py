"""The compiler's own language: what a program is, and what it means.

values  what nodes make, and the sources that no node makes
kinds   the kinds of nodes: the shape rule of each, and its meaning on NumPy arrays
ir      nodes, the graph, and the check that it is well formed
shapes  which shapes say the same of the same memory
replay  the graph run by NumPy: the fallback, and what everything else is tested against
sizes   sizes that are not known yet: arithmetic with them is written down
writer  objects as Python that makes them anew for other sizes
"""
