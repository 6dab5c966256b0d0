"""A plan as something that runs.

runner   on native code or on NumPy: one step, or many with one call
batches  on their way in, and what many steps return on their way out
table    checked, laid out for one thread or many, walked K steps a call
native   rows in memory: each thread's table, and the state by which the driver walks it
whole    a tiny network's step as one function
team     threads that wait for native work
pace     how many of them a table gets
"""
