"""What this machine has.

cpu     which processor it is, and what its vectors hold; none: no native code
cores   how many threads this process may keep busy
memory  aligned pieces of memory, large ones in huge pages
"""
