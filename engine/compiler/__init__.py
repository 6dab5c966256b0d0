"""The second tier: a training step is traced once and then runs as a table of native kernels.

trace -> graph (checked after every pass) -> passes -> plan -> kernels -> run; each a page or two.
"""
