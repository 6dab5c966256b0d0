"""Runs: host processes that train, the supervisor that keeps them, and the records of what they did."""
