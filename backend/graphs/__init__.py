"""Checks of drawn graphs and of run specs, before anything is allocated."""
