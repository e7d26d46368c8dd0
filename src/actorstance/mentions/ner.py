"""Names that spaCy's entity recogniser finds, in addition to those that the rules find."""

from __future__ import annotations

from typing import Any

from actorstance.errors import InputError

KINDS = {"PERSON": "person", "PER": "person", "ORG": "organisation", "NORP": "group"}


class SpacyNames:
    """Finds persons, organisations and peoples with a spaCy pipeline. Called with a text, it returns their spans.

    Args:
        model: the name of an installed pipeline, such as `en_core_web_sm`, or its folder. A spaCy pipeline can hold
            code: load only one that you trust.

    Raises:
        InputError: if spaCy or the pipeline is not installed, or the pipeline finds no entities.

    """

    def __init__(self, model: str) -> None:
        self.name = model
        try:
            import spacy
        except ImportError as error:
            raise InputError(f"ner={model} needs spaCy: pip install 'actorstance[ner]'.") from error
        try:
            self._pipeline: Any = spacy.load(model)
        except (OSError, ValueError) as error:
            raise InputError(
                f"ner={model}: no spaCy pipeline of that name is installed. Install it, or give its folder."
            ) from error
        finders = {"ner", "entity_ruler"} & set(self._pipeline.pipe_names)
        if not finders:
            raise InputError(
                f"ner={model}: this pipeline has no ner; it has {', '.join(self._pipeline.pipe_names) or 'nothing'}."
            )

    def __call__(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, kind) of the names in a text, in order."""
        found = self._pipeline(text)
        return [(one.start_char, one.end_char, KINDS[one.label_]) for one in found.ents if one.label_ in KINDS]
