"""What ./dev bench compare runs: Tallybus, and others that bring events to the same nginx."""
