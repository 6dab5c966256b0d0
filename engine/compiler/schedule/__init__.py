"""Who does what: rows split over threads, a barrier only where one needs what another wrote.

threads  rows checked against their buffers, and dealt out
shards   what each thread does of a band
owners   rows cut where the writers of what they read were
copies   memory that each thread has for itself
"""
