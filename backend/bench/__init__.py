"""`playground bench`: how fast training is here, beside PyTorch and JAX where they are installed, in one run.

problem     a model with its data, loss and optimiser, written once for every library with PyTorch's names
workloads   W1 to W6 and TensorFlow Playground's two networks; between, large: other sizes; drawn: at random
contenders  the same step by the engine (eager, compiled), PyTorch (eager, compiled) and JAX
measure     alternating windows, the machine's peak, the products that a step needs
edits       how long an edited network waits for its first compiled step; room: the memory of a step
process     everything at one number of threads, in a fresh process
report      the table for the terminal; options, command: the verb of the command line
"""
