"""Who is who in an article.

`names` (what is written as a name; `acting`, `ner`) → `signs`, `appositions`, `registered` (what the text shows of
it) → `cast` of `entities` (which names are one actor) → `coreference` (`discourse`, `pronouns`, `descriptions`).
"""
