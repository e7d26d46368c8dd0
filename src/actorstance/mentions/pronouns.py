"""Pronouns and the actors they stand for: "she", "its", "who", and "we" in a quotation."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from actorstance.actors import UNKNOWN, Mention
from actorstance.mentions.discourse import Antecedent, Discourse, meant_by, standing_for
from actorstance.speech.attribution import Statement
from actorstance.syntax.marks import Span
from actorstance.syntax.roles import office
from actorstance.syntax.tagging import lexicon

REACH = 3  # sentences back
_NEARNESS = (2.5, 2.0, 1.0, 0.5)  # its score, by sentences back
_ALONE = 1.5  # of an object, if nobody else fits here or in the sentence before: "Jones condemned Brown. He …"

PRONOUN = re.compile(
    r"(?=[hstiwumo])(?<![\w’'-])(?:(?P<m>he|him|his|himself)|(?P<f>she|her|hers|herself)|(?P<plural>they|them|their)|(?P<thing>it|its)"
    r"|(?P<first>I|we|us|me|my|our)|(?P<relative>who|which|whose))(?![\w-])",
    re.IGNORECASE,
)
_POSSESSIVE = frozenset({"his", "her", "its", "their"})
_OBJECTS = frozenset({"it", "him", "her", "them"})
_NO_NOUN = re.compile(
    r"\W*\Z|[^\w\s]|\s(?:of|for|to|in|on|over|as|with|by|from|at|and|but|that|when|while|after|before)\b"
)
_ITS = frozenset({"its", "it", "their", "they", "them"})  # of a body that speaks about itself
_DONE_TO = frozenset({"with", "from", "against", "to", "at", "on", "for", "by", "about", "of"})
_PART_OF = re.compile(
    r"\b(?:most|some|many|all|half|few|none|several|dozens|scores|hundreds|thousands)\sof\s\Z", re.IGNORECASE
)
FAR = 300  # characters that "most of them" looks back for a plural noun
# "Turkey of having moved its posts"
_DOING = re.compile(r"\s(?:of|from|into)\s(?:[a-z]+ly\s)?[a-z]+ing\s(?:[^.;:!?]*\s)?")
_WORD = re.compile(r"[^\W\d_]{3,}(?!['’]s\b)")
_SEVERAL = frozenset({"people", "police", "men", "women", "children", "they", "them"})
_OPENING = re.compile(
    r"(?:\A|[.!?:;”\"]|\n)\s*(?:When|While|As|After|Before|Since|Although|Though|If|Because|Until|Once|In|With|Despite|Like)"
    r"(?:\s(?!that\b)[a-z-]+){0,4}\s\Z"
)
_CLAUSE = re.compile(r"[^.,;:!?\"“”\n]{0,90},\s")
# After "it" they say nothing about anybody: "it is clear", "it would help".
_BEING = re.compile(
    r"(?:is|was|'s|are|were|be(?:en)?|would|will|could|may|might|must|should|ha[sd]|(?:seem|appear)(?:s|ed)|takes|took|became)"
)


class Pronouns:
    """Finds whom the pronouns of an article stand for.

    Args:
        discourse: whom the article has named, up to the pronoun in question.
        statements: what is said in it.

    """

    def __init__(self, discourse: Discourse, statements: Sequence[Statement]) -> None:
        self.discourse, self.raw = discourse, discourse.raw
        # "it" in "it is clear", "it rained" stands for nobody
        self.doing = {one.source for one in statements if one.source is not None and not _BEING.fullmatch(one.rule)}
        said = [one for one in statements if one.kind in {"indirect", "mixed"}]
        self.told = {one.content[0] for one in said}
        self.done_by = {one.content[0]: one.source for one in statements if one.source is not None}
        self.said = sorted((one.content, one.source) for one in said if one.source is not None)

    def third_person(self, found: re.Match[str], sentence: int) -> Mention | None:
        """Return the mention that a match of `PRONOUN` is, None if it stands for nobody: "it rained"."""
        word = found[0].lower()
        span = found.span()
        if found["relative"]:
            return self._relative(span)
        if found["thing"]:
            if word == "it" and span not in self.doing and span[0] not in self.told:
                return None  # "it is clear", "it rained"
            kinds = {"organisation", "state"}
        elif word == "them" and (part := _PART_OF.search(self.raw, max(0, span[0] - 16), span[0])):
            return self._of_many(span, part.start())
        elif found["plural"]:
            kinds = {"group", "state", "organisation"}
        else:
            kinds = {"person"}
        gender = "m" if found["m"] else "f" if found["f"] else ""
        if gender and (behind := self._ahead(span, gender)) is not None:
            return standing_for(behind, span, "pronoun", "named behind it", 0.85)
        scored = self._scored(span, sentence, kinds, gender, word)
        if not scored:
            nobody = Mention(*span, UNKNOWN, "pronoun", "nobody before it fits", False, 0.0)
            return nobody if "person" in kinds else None
        (best, one), *others = sorted(scored.values(), key=lambda each: -each[0])
        gap = best - (others[0][0] if others else 0.0)
        confidence = min(0.9, 0.5 + 0.2 * gap) if best >= 1.5 else 0.4
        if "person" not in kinds:
            confidence -= 0.05
        candidates = [one.mention.actor, *(other.mention.actor for _, other in others)]
        return standing_for(one.mention, span, "pronoun", _how(one, sentence - one.sentence), confidence, candidates)

    def first_person(self, found: re.Match[str]) -> Mention | None:
        """Return the mention that "I", "we", "our" in a quotation is: its speaker, once all names have been seen."""
        one = self.discourse.quotation(found.start())
        if one is None or one.source is None:
            return None
        seen = self.discourse.seen
        at = bisect_right(seen, one.source[1], key=lambda each: each.mention.start)
        speaker = meant_by(one.source, [each.mention for each in seen[max(0, at - 8) : at]], self.raw)
        if speaker is None:
            return None
        confidence = 0.9 if found[0] in {"I", "me", "my", "My"} else 0.8
        return standing_for(speaker, found.span(), "pronoun", "speaker", confidence)

    def _relative(self, span: Span) -> Mention | None:
        word = self.raw[span[0] : span[1]].lower()
        if word == "whose" and office().match(self.raw, span[1]) is None:
            return None
        for one in reversed(self.discourse.seen):
            gap = self.raw[one.mention.end : span[0]]
            if len(gap) > 40:
                break
            if one.kind == "person" and word != "who":
                continue
            if re.fullmatch(r"(?:['’]s?)?(?:\.?,)?\s|,\s[^,.;]{1,38},\s", gap):
                return standing_for(one.mention, span, "pronoun", "relative", 0.85)
        return None

    def _of_many(self, span: Span, end: int) -> Mention | None:
        """The mention of "them" in "most of them": the actor named by the nearest plural noun before `end`, if any."""
        seen = self.discourse.seen[-12:]
        start = max(self.raw.rfind("\n\n", 0, end), end - FAR, 0)
        for found in reversed(list(_WORD.finditer(self.raw, start, end))):
            one = next((each for each in seen if each.mention.start <= found.start() < each.mention.end), None)
            if one is not None and one.kind == "group":
                return standing_for(one.mention, span, "pronoun", "some of a group", 0.8)
            of_one = one is not None and (one.mention.is_bare_name or one.kind in {"person", "name"})
            if not _is_plural(found[0]) or (of_one and found[0][0].isupper()):
                continue  # neither the United Nations nor Ana Hodges is plural
            return standing_for(one.mention, span, "pronoun", "some of those", 0.8) if one is not None else None
        return None

    def _scored(
        self, span: Span, sentence: int, kinds: set[str], gender: str, word: str
    ) -> dict[tuple[str, str], tuple[float, Antecedent]]:
        """Whom a pronoun can stand for, by key: the best score, and the mention that has it."""
        found: dict[tuple[str, str], tuple[float, Antecedent]] = {}
        discourse = self.discourse
        here, speaking = discourse.quotation(span[0]), self._speaking(span[0])
        others = self._others(span, word, here)
        surely_subject = word in _POSSESSIVE or span in discourse.sources
        for one in reversed(discourse.seen):
            back = sentence - one.sentence
            if back > REACH:
                break
            if one.kind not in kinds and not (one.kind == "name" and "group" not in kinds):
                continue
            key = one.key
            if key in others or (gender and (one.gender or discourse.genders.get(key, gender)) != gender):
                continue
            if one.quote is not None and (here is None or one.quote.source != here.source):
                continue  # a speaker outside does not mean somebody named inside
            score = _NEARNESS[back]
            if one.subject:
                score += 2.0 if surely_subject or back == 0 else 1.0
            if back == 0 and word in _POSSESSIVE:
                score += 0.5
                if not one.subject and _DOING.fullmatch(self.raw, one.mention.end, span[0]):
                    score += 2.5  # "accused Turkey of moving its posts": Turkey's, as likely as the accuser's
            if gender and one.gender == gender:
                score += 0.5
            if here is not None and one.quote is here:
                score += 1.0
            if any(start <= one.mention.start < end for start, end in speaking):
                # "Lima said she", "According to Lima, she": the speaker, though nothing says that she is a woman
                score += 2.5 if gender and one.kind == "person" and not one.subject else 1.0
            if one.kind == "name":  # a person, if one of those whom an article first names in full
                score -= 1.0 if "person" not in kinds or " " in one.mention.name else 2.0
            if key not in found or score > found[key][0]:
                found[key] = score, one
        if gender:
            near = [key for key, (_, one) in found.items() if sentence - one.sentence <= 1]
            if len(near) == 1 and not (one := found[near[0]][1]).subject and one.gender == gender:
                found[near[0]] = found[near[0]][0] + _ALONE, one
        return found

    def _ahead(self, span: Span, gender: str) -> Mention | None:
        """The person who opens the main clause, behind one that opens with he or she: "When she left, Ana Lima …"."""
        if not _OPENING.search(self.raw, max(0, span[0] - 60), span[0]):
            return None
        clause = _CLAUSE.match(self.raw, span[1])
        one = self.discourse.named_at(clause.end()) if clause else None
        entity = self.discourse.cast.entities.get((one.start, one.end)) if one else None
        fits = entity is not None and entity.kind == "person" and entity.gender in ("", gender)
        return one if one and fits and self.raw[one.end : one.end + 1] != "," else None  # "after his wife, Ana, …"

    def _others(self, span: Span, word: str, here: Statement | None) -> set[tuple[str, str]]:
        """Whom a pronoun cannot stand for: who acts on it, "Lima denied it", and the speaker of its quotation."""
        told_by = [here.source] if here is not None and here.source is not None and word not in _ITS else []
        is_object = span not in self.discourse.sources and word in _OBJECTS
        if is_object and (word != "her" or _NO_NOUN.match(self.raw, span[1])):
            before = self.raw.rfind(" ", 0, span[0] - 1) + 1
            start = before if self.raw[before : span[0] - 1] in _DONE_TO else span[0]
            told_by += [self.done_by[start]] if start in self.done_by else []
        found = set()
        for source in told_by:
            who = self.discourse.at(source)
            if who is not None and not self.raw.startswith(("'s ", "’s "), who.end):  # "Lima's lawyer praised her"
                found.add((who.actor, who.name))
        return found

    def _speaking(self, place: int) -> list[Span]:
        """The spans of the sources whose reported statements, as opposed to direct quotations, contain a place."""
        at = bisect_right(self.said, ((place, 1 << 60), (0, 0)))
        return [source for content, source in self.said[max(0, at - 6) : at] if place < content[1]]


def _is_plural(word: str) -> bool:
    plain, form = word.lower(), lexicon().verbs.get(word)
    if plain in _SEVERAL:
        return True
    is_verb = plain in lexicon().closed or (form is not None and "s" in form.forms)
    return (
        plain.endswith("s")
        and not plain.endswith(("ss", "us", "is"))
        and (plain in lexicon().nouns_in_s or not is_verb)
    )


def _how(one: Antecedent, back: int) -> str:
    """What shows that a pronoun stands for somebody this many sentences back."""
    if back > 1:
        return f"{'subject' if one.subject else 'named'} further up"
    return f"{'subject of' if one.subject else 'named in'} the sentence{' before' if back else ''}"
