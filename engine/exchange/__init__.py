"""Networks and runs in other programs' formats."""
