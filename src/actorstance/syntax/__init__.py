"""As much of a sentence's grammar as telling who speaks needs, without a parser.

Words are in `grammar.yaml` and `roles.yaml` (`roles`). `tagging` (tokens) → `chunking` (noun phrases) → `grammar`
(whose verb is whose); `marks` (quotation marks), `spelling` and `titles` (how names are written).
"""
