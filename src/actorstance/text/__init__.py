"""A raw file to lines and sentences, offsets kept.

`exports` (articles of a news database) and `legible` (HTML by `markup`, wrong encodings, words divided by `hyphens`) →
`lines` (paragraphs by `wrapping`, `shapes`; the page's own by `furniture`) → `sentences`. `language`: is it English?
"""
