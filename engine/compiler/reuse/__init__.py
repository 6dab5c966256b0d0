"""What is known from before: an edit of a network is planned, and often even assembled, without doing it all again.

seen     plans of steps that were seen before, in memory of their own
resized  plans of networks that only differ in sizes: a function of the sizes, written down as Python
heard    what a trace says, as a key and sizes
alike    steps like one that was assembled before
"""
