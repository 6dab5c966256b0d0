"""How machine code is written, and where it is kept.

ssa      values of a function under construction: Python operators that grow LLVM's text
emit     the function around them: lanes, memory, loops
known    the same where all sizes are known
driver   the loop that walks a table of rows, and its threads' barriers
library  one function for each key, compiled in the background
store    machine code on disk
"""
