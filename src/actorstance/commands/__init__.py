"""What users call: `cli` (the `actorstance` command) and what scripts/ share.

`command` (overrides, errors as one line, exit codes), `configured` (settings to objects), `front` (what both do),
`terminal` and `progress` (what is said).
"""
