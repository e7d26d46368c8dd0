"""Who says what.

`attribution` (what a sentence reports without quotation marks) → `quotes` (quotations and their speakers; of
interviews by `interviews`).
"""
