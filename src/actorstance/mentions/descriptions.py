"""Descriptions and the actors they stand for: "the senator", "the ruling party", "the regime"."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from actorstance.actors import Mention
from actorstance.mentions.discourse import Antecedent, Discourse, standing_for
from actorstance.syntax.marks import Span
from actorstance.syntax.roles import alternatives, roles
from actorstance.syntax.tagging import lexicon

NEAR = 3  # sentences back within which a description is surer
BACK = 200  # mentions back within which one is looked for

_GOVERNING = re.compile(r"\b(?:government|army|forces|troops|military|regime)")
_OF = re.compile(r"\s+of\b")
_ACCUSED = re.compile(
    r"\b(?:accus|suspect|convict|acquit|clear|warn|remind|inform|assur|strip|rid)\w*\s+\Z", re.IGNORECASE
)
_FIRMS = frozenset({"company", "firm"})
_NARROW = _FIRMS | {"party", "union", "agency", "newspaper"}
_HEADED = re.compile(r"\s(?:chief|head|commander|leader|boss|general|officer|official|spokes(?:man|woman|person))\b")
_UNTOLD = frozenset({"president", "vice president", "prime minister", "chancellor"})
_MANY = 3  # mentions by name of whoever leads an article, so far
_OFFICE = re.compile(rf"\b(?:{alternatives(roles()['described_persons'])})\b")
_BY_NAME = re.compile(r"[A-Z][\w’'.]*-")
_BEHIND_NOUN = re.compile(r"(?:['’]s)?(?:[,.;:)]|\s+([a-z]+))")
_BOTH = re.compile(r",?\s(?:and|or)\s(?:the\s)?")
_OURS = re.compile(r"this\s+(?:newspaper|daily|network|broadcaster)", re.IGNORECASE)  # who writes here


@cache
def described() -> re.Pattern[str]:
    """Return what matches a description: "the senator", "the ruling party", "the regime", "a company spokesman"."""
    words = roles()
    kinds = "|".join(
        f"(?P<{kind}>{alternatives(words[f'described_{name}'])})"
        for kind, name in (("person", "persons"), ("body", "bodies"), ("state", "states"))
    )
    voiced = alternatives(words["described_bodies"] | words["described_states"])
    return re.compile(
        r"(?=[targ])(?:(?<![\w’'-])(?:(?P<bare>(?:the\s+)?(?:regime|government\s+(?:forces|troops|soldiers|officials)))(?![\w-]|\s+of\b)"
        rf"|an?\s+(?P<voiced>{voiced})\s+spokes(?:man|woman|person)\b"
        r"|(?:the|this|that)\s+(?:(?:[\w’'.-]+-(?:based|backed|led|linked|aligned|allied|owned|run)|ruling|armed|militant|rebel|outgoing|former|embattled|central|federal|new"
        r"|leftist|rightist|far-right|far-left|right-wing|left-wing|conservative|liberal|socialist|republican|democratic|centrist|nationalist|populist"
        r"|islamist|hardline|hard-line|firebrand|veteran|longtime|long-serving|outspoken|jailed|exiled|first-term|second-term|\d\d-year-old)\s+)?"
        rf"(?:{kinds})(?![\w-])|the\s+(?P<ordered>former|latter)(?![\w-]))|(?:all\s+)?these\s+(?P<groups>groups|fighters|factions)\b)",
        re.IGNORECASE,
    )


def description(discourse: Discourse, found: re.Match[str], sentence: int) -> Mention | None:
    """Return the mention for a match of `described`, None if it stands for nobody the article has named."""
    span = place_of(found)
    if found["ordered"]:
        return _ordered(discourse, span, found["ordered"].lower(), sentence)
    if found["groups"]:
        return _last(discourse, span, "groups", "group", sentence)
    if found["bare"]:
        return _state(discourse, span, "regime", sentence)
    if _OURS.match(found[0]):
        return None
    if _OF.match(discourse.raw, span[1]) and not _ACCUSED.search(discourse.raw, max(0, span[0] - 16), span[0]):
        return None  # "the president of the guild", but "accused the president of lying"
    if found["voiced"]:
        return _voiced(discourse, span, found["voiced"].lower(), sentence)
    kind = "person" if found["person"] else "body" if found["body"] else "state"
    noun = re.sub(r"\s+", " ", found[kind].lower())
    noun = "prime minister" if noun == "pm" else noun
    if re.match(r"\s+(?:[A-Z]|['’]s\s+office)", discourse.raw[span[1] : span[1] + 12]):
        return None  # "the president Ivan Orlov": the name says it
    if kind != "person" and _HEADED.match(discourse.raw, span[1]):
        return None  # "the army chief"
    doer = discourse.doer(span[0])  # "Varna backed the bloc": another one
    for one in reversed(discourse.seen[-BACK:]):
        person = one.kind == "person"
        fits = person if kind == "person" else kind == "body" or not person or one.mention.known  # of a state, or own
        if fits and _is_called(one, noun) and one.key != doer:
            confidence = 0.85 if sentence - one.sentence <= NEAR else 0.7
            return standing_for(one.mention, span, "description", noun, confidence)
    if kind == "state":
        return _state(discourse, span, noun, sentence)
    if noun == "president-elect" or (noun in _UNTOLD and " former " in found[0].lower()):
        return _leading(discourse, span, noun, doer)
    if noun in roles()["described_last"]:
        return _last(discourse, span, noun, "organisation", sentence, doer)
    return None


def _leading(discourse: Discourse, span: Span, noun: str, doer: tuple[str, str] | None) -> Mention | None:
    """Who is named by far most, without an office: everybody knows whose it was. The one in office may be unnamed."""
    people: dict[tuple[str, str], list[Antecedent]] = {}
    for one in discourse.seen:
        if one.kind == "person" and one.said:
            people.setdefault(one.key, []).append(one)
    ranked = sorted(people.values(), key=len, reverse=True)
    if not ranked or len(ranked[0]) < _MANY or (len(ranked) > 1 and len(ranked[0]) < 3 * len(ranked[1])):
        return None
    if ranked[0][0].key == doer or any(_OFFICE.search(one.said) for one in ranked[0]):
        return None
    return standing_for(ranked[0][-1].mention, span, "description", noun, 0.65)


def place_of(found: re.Match[str]) -> Span:
    """Return where a description is, without a name in front of it: "group" in "the Oslo-backed group"."""
    kind = found.lastgroup or 0
    named = _BY_NAME.search(found[0][: found.start(kind) - found.start()])
    return found.span(kind) if named else found.span()


def _ordered(discourse: Discourse, span: Span, which: str, sentence: int) -> Mention | None:
    """The former or the latter of the last two that "and" joins, if a verb or the sentence's end shows a noun."""
    behind = _BEHIND_NOUN.match(discourse.raw, span[1])
    form = lexicon().verbs.get(behind[1]) if behind and behind[1] else None
    if behind is None or (behind[1] and behind[1] not in lexicon().closed and not (form and form.forms & {"d", "s"})):
        return None
    near = [one for one in discourse.seen[-BACK:] if sentence - one.sentence <= 1]
    for one, other in zip(near[-2::-1], near[:0:-1], strict=True):
        between = discourse.raw[one.mention.end : other.mention.start]
        if one.key != other.key and _BOTH.fullmatch(between):
            meant = one if which == "former" else other
            return standing_for(meant.mention, span, "description", f"the {which}", 0.8)
    return None


def _voiced(discourse: Discourse, span: Span, noun: str, sentence: int) -> Mention | None:
    """The body or state whose spokesman speaks: "a company spokeswoman"."""
    for one in reversed(discourse.seen[-BACK:]):
        if one.kind != "person" and _is_called(one, noun):
            return standing_for(one.mention, span, "description", f"{noun} spokesman", 0.7)
    if noun in roles()["described_states"]:
        return _state(discourse, span, noun, sentence)
    return _last(discourse, span, noun, "organisation", sentence)


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
    last = _last(discourse, span, noun, "state", sentence)
    if last is None or discourse.home in ("", last.actor) or noun == "regime":
        return last
    # "NEW DELHI: The Congress accused Ana Lima of surrendering to China and said the government had lied."
    return standing_for(last, span, "description", noun, 0.55, [last.actor, discourse.home])


def _can_be(discourse: Discourse, one: Mention, noun: str) -> bool:
    """Whether a noun can be said of a body: the Dockers' Union is no company, though it may be a group."""
    name = one.name or discourse.raw[one.start : one.end]
    if " & " in name:
        return noun in roles()["described_firms"]
    last = name.rpartition(" ")[2].lower()
    if noun not in _NARROW or last not in roles()["described_bodies"] | {"watch", "tv"}:
        return True
    return noun in _FIRMS and last in roles()["described_firms"]


def _last(
    discourse: Discourse, span: Span, noun: str, kind: str, sentence: int, doer: tuple[str, str] | None = None
) -> Mention | None:
    """The last actor of a kind, unresolved if several are near."""
    reach = [one for one in reversed(discourse.seen[-BACK:]) if sentence - one.sentence <= 2 and one.key != doer]
    near = [one.mention for one in reach if one.kind == kind and _can_be(discourse, one.mention, noun)]
    if not near and kind == "organisation":
        near = [one.mention for one in reach if one.kind == "name" or one.kind == noun]  # "the group": rebels
    if not near:
        return None
    actors = {one.actor: None for one in near}
    return standing_for(near[0], span, "description", noun, 0.7 if len(actors) == 1 else 0.55, list(actors))
