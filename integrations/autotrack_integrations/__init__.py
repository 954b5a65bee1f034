"""One file per library that autotrack looks on, and one per library for its model format. Nothing is imported here."""
