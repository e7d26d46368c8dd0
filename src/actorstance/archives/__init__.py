"""Archives of any size.

`archive` (documents, streamed) → `shards` (some hundred documents, from text to Parquet) on `engine` (processes of one
machine) or `cluster` (Ray) → `bulk` (a run that can be killed, and resumed) → `totals`.
"""
