"""Descriptions and the actors they stand for: "the senator", "the ruling party", "the regime"."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from actorstance.actors import Mention
from actorstance.discourse import Antecedent, Discourse, standing_for
from actorstance.marks import Span
from actorstance.roles import alternatives, roles

NEAR = 3  # sentences back within which a description is surer
BACK = 200  # mentions back within which one is looked for

_GOVERNING = re.compile(r"\b(?:government|army|forces|troops|military|regime)")
_OURS = re.compile(r"this\s+(?:newspaper|daily|network|broadcaster)", re.IGNORECASE)  # who writes here


@cache
def described() -> re.Pattern[str]:
    """Return what matches a description: "the senator", "the ruling party", "the regime", "all these groups"."""
    words = roles()
    kinds = "|".join(
        f"(?P<{kind}>{alternatives(words[f'described_{name}'])})"
        for kind, name in (("person", "persons"), ("body", "bodies"), ("state", "states"))
    )
    return re.compile(
        r"(?=[targ])(?:(?<![\w’'-])(?:(?P<bare>(?:the\s+)?(?:regime|government\s+(?:forces|troops|soldiers|officials)))(?![\w-]|\s+of\b)"
        r"|(?:the|this|that)\s+(?:(?:ruling|armed|militant|rebel|outgoing|former|embattled|central|federal|new)\s+)?"
        rf"(?:{kinds})(?![\w-]|\s+of\b))|(?:all\s+)?these\s+(?P<groups>groups|fighters|factions)\b)",
        re.IGNORECASE,
    )


def description(discourse: Discourse, found: re.Match[str], sentence: int) -> Mention | None:
    """Return the mention for a match of `described`, None if it stands for nobody the article has named."""
    span = found.span()
    if found["groups"]:
        return _last(discourse, span, "groups", "group", sentence)
    if found["bare"]:
        return _state(discourse, span, "regime", sentence)
    if _OURS.match(found[0]):
        return None
    kind = "person" if found["person"] else "body" if found["body"] else "state"
    noun = re.sub(r"\s+", " ", found[kind].lower())
    if re.match(r"\s+(?:[A-Z]|['’]s\s+office)", discourse.raw[span[1] : span[1] + 12]):
        return None  # "the president Ivan Orlov": the name says it
    for one in reversed(discourse.seen[-BACK:]):
        if _is_called(one, noun) and (kind != "person" or one.kind == "person"):
            confidence = 0.85 if sentence - one.sentence <= NEAR else 0.7
            return standing_for(one.mention, span, "description", noun, confidence)
    if kind == "state":
        return _state(discourse, span, noun, sentence)
    if noun in roles()["described_last"]:
        return _last(discourse, span, noun, "organisation", sentence)
    return None


def _is_called(one: Antecedent, noun: str) -> bool:
    """Whether the text has called somebody by a noun; the head of a ministry speaks for the same actor."""
    if noun in one.said and re.search(rf"\b{re.escape(noun)}\b", one.said):
        return True
    if not noun.endswith(("ministry", "presidency")):
        return False
    head = noun.replace("ministry", "minister").replace("presidency", "president")
    return head in one.said and re.search(rf"(?<!prime )(?<!vice )\b{re.escape(head)}\b", one.said) is not None


def _state(discourse: Discourse, span: Span, noun: str, sentence: int) -> Mention | None:
    """The state whose government or army the article speaks of: the one named by far most, else the only one near."""
    governed = Counter(
        one.mention.actor
        for one in discourse.seen
        if one.kind == "state" and any(map(_GOVERNING.search, one.mention.offices))
    )
    ranked = governed.most_common(2)
    if ranked and (len(ranked) == 1 or ranked[0][1] >= 2 * ranked[1][1]):
        meant = next(one.mention for one in reversed(discourse.seen) if one.mention.actor == ranked[0][0])
        return standing_for(meant, span, "description", noun, 0.65)
    return _last(discourse, span, noun, "state", sentence)


def _last(discourse: Discourse, span: Span, noun: str, kind: str, sentence: int) -> Mention | None:
    """The last actor of a kind, unresolved if several are near."""
    near = [one.mention for one in reversed(discourse.seen) if sentence - one.sentence <= 2 and one.kind == kind]
    if not near:
        return None
    actors = {one.actor: None for one in near}
    return standing_for(near[0], span, "description", noun, 0.7 if len(actors) == 1 else 0.55, list(actors))
