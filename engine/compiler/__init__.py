"""The second tier: a training step is traced once and then runs as a table of native kernels.

What becomes of a step, room by room; each room's own page says what lies in it, in the order in which to read it:

    a step, as one writes it for PyTorch
      trace     is watched while it runs: which ops ran on what, and what it did to memory,
      lowering  what each op means in the words of a small language,
      graph     is a program in that language, which is checked after every pass, and which NumPy can run.
      passes    say the same with less.
      plan      gives every kernel its work and every value its place,
      schedule  and every thread its rows.
      kernels   write the code for each kind of work,
      code      as text for LLVM, and keep what comes of it.
      run       walks the table, K steps a call.
      reuse     knows steps, plans and ops from before: an edit of a network does little of the above.
      machine   says what processor, cores and memory there are.

Rooms import from those that they build on, never back (`tests/contract/test_floors.py`):

    machine < graph < code < kernels < plan < schedule < reuse < run < here
              graph < passes < run    graph < lowering < trace < reuse

Here is what somebody outside sees: face (`engine.compile`), step (a step that is compiled: `step(x, y)`, `step.run`),
module (a module for inference), variant (a step under one set of circumstances), again and glance (a step called once
more: the short way, and what must hold still for it), watch (a step from inside, value by value), explain (what ran
where, and why).
"""
