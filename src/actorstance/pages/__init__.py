"""The parts of a report, and the templates that render them.

`findings` in words, `figures`, `timeline`, `network`, `events`, the `article` as it was read; `template` renders.
"""
