"""How names are written: their words, particles and endings, and which part of a name later stands for the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from actorstance.syntax.roles import ENDINGS, OF_FIRMS, SHORTENED, is_given, roles, slug
from actorstance.syntax.tagging import lexicon

Words = tuple[str, ...]
Span = tuple[int, int]

NAMES = 2**14  # names whose parts are kept: more than an archive's years of one paper repeat often

_PARTICLE = "bin|ibn|bint|abu|al|el|de|da|di|du|del|della|der|den|van|von|und|zu|zum|zur|la|le|das|dos|e|y|ter|af|ap"
PARTICLES = frozenset(_PARTICLE.split("|"))
_OF_PERSONS = frozenset({"bin", "ibn", "bint", "van", "von", "der", "den", "ter", "zu"})  # not of places and papers
_INITIAL = re.compile(r"[A-Z]\.\Z")
_INNER = frozenset({"e", "y", "und"})  # never the first of a name
_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽȘȚ"
_ARTICLE = r"(?:al|el|ul|a[dnrstz]|ash)-"  # of Arabic names: "al-Haddad", "ash-Shami"
WORD = (
    rf"(?:(?:[A-Z]\.)+|Ph\.D|[A-Z]{{1,3}}&[A-Z]{{1,3}}"
    rf"|[{_UPPER}][^\W_]*(?:['’‘](?!s\b)[^\W_]+|-(?:[a-z]{{1,4}}-)?[{_UPPER}](?:[^\W_]+|(?=['’]))"
    rf"|(?<=s)['’](?=\s[{_UPPER}]))*"
    rf"|(?:{_ARTICLE}|[dl]['’])[{_UPPER}][^\W_]+)"
)
_MORE = rf"(?:\s(?=[{_UPPER}abdeiltuvyz])(?:(?:{_PARTICLE})\s)*{WORD})*"
SEQUENCE = re.compile(rf"(?=[{_UPPER}adelu])(?<![^\W_])(?<!-){WORD}{_MORE}(?![^\W_])")
_BEHIND_DOT = re.compile(rf"\.\s{WORD}{_MORE}")
_ABBREVIATED = re.compile(rf"\b(?:{SHORTENED}|{ENDINGS})\Z")
_MARKS = frozenset("\"“'‘")
_MARKED = tuple(f" {mark}" for mark in _MARKS)
_NICKNAME = re.compile(rf"\s(?:\"|[“'‘])((?:(?:The|El|La)\s)?{WORD}(?:\s{WORD})?)[\"”'’](?=\s)")  # James "Hawk" Rourke
_LINK = re.compile(rf"\s(?:of|for|on)\s(?:the\s)?(?={WORD})")
_STUDY = frozenset(  # "Institute for the Study of War"
    {"study", "prevention", "protection", "promotion", "advancement", "liberation", "commissioner", "coordination"}
)
_LINKED = frozenset(  # besides bodies: "Students for Fair Admissions"
    {"ministry", "secretary", "representatives", "voice", "alternative"}
    | {"students", "physicians", "mothers", "americans"}
)
_AND = re.compile(rf"((?:,\s{WORD}(?:\s{WORD})?)*),?\s(and|&)\s(?={WORD})")
_BEHIND_AND = frozenset({"executive", "protection"})  # "Health and Safety Executive"
_CALLS = frozenset({"Save", "Stop"})
ACRONYM = re.compile(r"\s\(([A-Z][A-Za-z&.]{1,9})\)")  # behind a name
_CAPITALS = re.compile(r"(?<![\w’'-])[A-Z]")
_PLURAL_POSSESSIVE = re.compile(r"s['’] ")
_OFFICE_OF = re.compile(r"['’]s\sOffice(?![\w-])")
_SMALL = re.compile(rf"(?<=[a-z] )(?:To|An|So|Do|You|No|As|If|In|On|Yet|Will|Has) (?=[{_UPPER}][a-z]+){WORD}")
_FIRM_BEHIND_DOT = re.compile(rf"\.,?\s(?:{OF_FIRMS}|LLC)(?![^\W_])")  # "Co., Ltd."
_BEHIND_COMMA = re.compile(rf",\s(?:{ENDINGS}|{OF_FIRMS}|LLC)(?![^\W_])")
# A syllable of Korean and Chinese names: "Jong-un", "Ching-te". A compound of English has other sounds: "Houthi-led".
_SYLLABLE = r"(?:[b-df-hj-np-tv-z]|[csz]h|hs|t[sz])?[yw]?[aeiou]{1,3}(?:ng|[hklmnprt])?"
_FIRST_SYLLABLE = re.compile(rf"\s(?=[A-Z])(?i:{_SYLLABLE})\Z")
_LATER_SYLLABLE = re.compile(rf"-(?!(?:run|to|up|on|out)\b){_SYLLABLE}(?![\w-])")  # "Hong Kong-run"
_FAMILY_FIRST = re.compile(r"[A-Z][a-z]+-[a-z]+\Z")
_BEFORE_FAMILY = re.compile(r"(?<![\w.’'-])((?:[A-Z]\.)+|[A-Z][\w’'-]*)\s\Z")
_INITIALS = re.compile(r"(?:[A-Z]\.)+|[A-Z]")
_JUNIOR = frozenset({"jr", "sr"})
_NUMERAL = re.compile(r"(?:II|III|IV|VI{0,3}|IX|XI{1,3}|XIV|XVI?)\Z")  # I and X are more often something else


def stretches(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the stretches of capitalised words of a sentence; the names of bodies continue across "of" and "for".

    Args:
        text: the whole text.
        start: where the sentence begins.
        end: where it ends.

    Example:
        >>> text = "Gen. Ana Lima of the Ministry of Health and Welfare left Peru."
        >>> [text[first:last] for first, last in stretches(text, 0, len(text))]
        ['Gen. Ana Lima', 'Ministry of Health and Welfare', 'Peru']

    """
    at = start
    bodies = roles()["bodies"]
    while found := SEQUENCE.search(text, at, end):
        first, last = found.span()
        if last < end and text[last] in ".-,":
            last = stretch_end(text, first, last, end)
        if text.startswith(_MARKED, last):
            last = _over_nickname(text, first, last, end)
        words = text[first:last].lower().split()
        if words[-1] in roles()["titles"] and (more := _OFFICE_OF.match(text, last, end)):
            last, words = more.end(), [*words[:-1], words[-1] + "'s", "office"]
        if (plural := _PLURAL_POSSESSIVE.search(text[first:last])) and words[-1] not in bodies:
            last = first + plural.start() + 1  # "Democrats' Ana Lima", but "Dockers' Union"
            words = text[first:last].lower().split()
        if words[-1] in bodies or words[-1] in _LINKED:
            last = _linked(text, last, end)
        if len(words) == 1 and text.startswith(" the ", last):
            last = _doing(text, first, last, start, end)
        last = joined(text, first, last, end)
        yield first, last
        at = last


def _over_nickname(text: str, first: int, last: int, end: int) -> int:
    """Where a person's name ends that has a nickname in quotation marks behind its given names."""
    found = _NICKNAME.match(text, last, end)
    more = SEQUENCE.match(text, found.end() + 1, end) if found else None
    if more is None:
        return last
    given, behind, known = text[first:last].lower().split()[-1], more[0].lower().split(), roles()
    unlike = any(given in known[kind] for kind in ("titles", "bodies", "things", "not_names", "nobody"))
    if unlike or behind[0] in known["titles"] or behind[-1] in known["bodies"] or len(behind) > 3:
        return last
    return stretch_end(text, first, more.end(), end)


def nickname(name: str) -> tuple[str, str]:
    """Return a name without the nickname in quotation marks inside it, and the nickname, "" if it has none.

    Example:
        >>> nickname('James "Hawk" Rourke'), nickname("James Rourke")
        (('James Rourke', 'Hawk'), ('James Rourke', ''))

    """
    if _MARKS.isdisjoint(name):
        return name, ""
    found = _NICKNAME.search(name)
    return (name[: found.start()] + name[found.end() :], found[1]) if found else (name, "")


def _linked(text: str, last: int, end: int) -> int:
    """Where the name of a body ends that goes on with "of" or "for"."""
    begin = last
    while (link := _LINK.match(text, last, end)) and (more := SEQUENCE.match(text, link.end(), end)):
        last = more.end()
        if more[0].rsplit(None, 1)[-1].lower() not in _STUDY:
            break
    both = _AND.match(text, last, end) if last > begin else None
    more = SEQUENCE.match(text, both.end(), end) if both else None
    if both and more and roles()["fields"].issuperset([*_words(both[1]), _words(more[0])[0]]):
        return more.end()
    return last


def _doing(text: str, first: int, last: int, start: int, end: int) -> int:
    """Where a name ends that begins with a verb and its article: "Save the Children", "Breaking the Silence"."""
    form = lexicon().verbs.get(text[first:last].lower())
    within = first > start + 1 and form is not None and "g" in form.forms
    more = SEQUENCE.match(text, last + len(" the "), end) if within or text[first:last] in _CALLS else None
    return more.end() if more else last


def joined(text: str, first: int, last: int, end: int) -> int:
    """Return where a stretch of capitalised words ends that "and" joins to the next in one name.

    Both say what a body is for, two given names share a foundation, the acronym behind has the letters of both, or the
    sign is "&".

    Args:
        text: the whole text.
        first: where the stretch begins.
        last: where it ends so far.
        end: where the sentence ends.

    Example:
        >>> def name(text):
        ...     return text[:joined(text, 0, SEQUENCE.match(text).end(), len(text))]
        >>> name("Food and Drug Administration"), name("Peru and Chile"), name("Hale & Hale")
        ('Food and Drug Administration', 'Peru', 'Hale & Hale')
        >>> name("Oil, Gas and Power Board"), name("Wolf and Bear Trust"), name("Wolf and Bear Trust (WBT)")
        ('Oil, Gas and Power Board', 'Wolf', 'Wolf and Bear Trust')

    """
    listed = text.startswith(", ", last)
    if not (listed or text.startswith((" and ", " & "), last)):
        return last
    if listed and text[first:last].rpartition(" ")[2].lower() not in roles()["fields"]:
        return last
    both = _AND.match(text, last, end)
    more = SEQUENCE.match(text, both.end(), end) if both else None
    if both is None or more is None:
        return last
    words, behind = _words(text[first:last].removeprefix("The ")), _words(more[0])
    person = len(words) > 1 and is_given(words[0])
    if both[2] == "&":
        return last if both[1] or (person and behind[-1] not in roles()["bodies"]) else more.end()
    body = behind[-1] in roles()["bodies"] or behind[-1] in _BEHIND_AND
    ends = len(words) > 1 and words[-1] in roles()["bodies"]  # "Amnesty International"
    if body and not ends and roles()["fields"].issuperset([words[-1], *_words(both[1]), behind[0]]):
        return more.end()
    if both[1]:
        return last
    if body and not person and is_given(words[-1]) and is_given(behind[0]):
        return more.end()  # "Bill and Melinda Gates Foundation"
    if short := ACRONYM.match(text, more.end(), end):
        capitals = "".join(_CAPITALS.findall(text[first : more.end()]))
        last_of = capitals.endswith(short[1].upper()) and len(short[1]) > len(_CAPITALS.findall(more[0]))
        if last_of or (len(short[1]) > 2 and "".join(_CAPITALS.findall(text[first:last])).endswith(short[1])):
            return more.end()  # the letters of both, or those before "and"
    return last


def is_acronym(short: str, initials: str) -> bool:
    """Return whether what stands in brackets behind a name is its acronym, also one of another language.

    Example:
        >>> is_acronym("SEC", "SEC"), is_acronym("Defra", "DEFRA"), is_acronym("AfD", "AG"), is_acronym("Rome", "MP")
        (True, True, True, False)

    """
    return short.isupper() or short.upper() == initials or (short[0] == initials[:1] and not short[1:].islower())


def is_same_firm(one: Words, other: Words) -> bool:
    """Return whether one name is the other without a firm's last word.

    Example:
        >>> is_same_firm(("Heron", "Gate"), ("Heron", "Gate", "Partners")), is_same_firm(("Heron",), ("Heron", "Group"))
        (True, False)

    """
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) > 1 and longer[:-1] == shorter and longer[-1].lower() in roles()["firms"]


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_][\w’'-]*", name.lower())


def stretch_end(text: str, first: int, last: int, end: int) -> int:
    """Return where a stretch of capitalised words ends that `SEQUENCE` has found, past what it stops at.

    Args:
        text: the whole text.
        first: where the stretch begins.
        last: where `SEQUENCE` stopped.
        end: where the sentence ends.

    Example:
        >>> text = "Sen. Ana Lima, Jr., left."
        >>> text[:stretch_end(text, 0, 3, len(text))]
        'Sen. Ana Lima, Jr'

    """
    while last < end:
        sign, more = text[last], None
        if sign == "." and _ABBREVIATED.search(text, max(first, last - 6), last):
            more = _BEHIND_DOT.match(text, last, end)
        elif sign == ".":
            more = _FIRM_BEHIND_DOT.match(text, last, end)
        elif sign == "-" and _FIRST_SYLLABLE.search(text, max(first, last - 8), last):
            more = _LATER_SYLLABLE.match(text, last, end)
        elif sign == ",":
            more = _BEHIND_COMMA.match(text, last, end)
        if more is None:
            break
        last = more.end()
    return last


def with_small_words(text: str) -> frozenset[str]:
    """Return the names in a text, in lower case, that begin like a small word: a capital within a sentence tells.

    Example:
        >>> sorted(with_small_words("To Lima it is new. Peru blamed To Lam."))
        ['to lam']

    """
    return frozenset(name.lower() for name in _SMALL.findall(text))


def over_particles(text: str, first: int, start: int) -> int:
    """Return where a name begins that has its particles before it: "von der Leyen", but not "the van Lima drove".

    Example:
        >>> text = "They praised van der Holt; the van Lima drove stopped."
        >>> [text[over_particles(text, text.index(name), 0):][:8] for name in ("Holt", "Lima")]
        ['van der ', 'Lima dro']

    """
    at = first
    while (
        at - 1 > start and (word := text[(begin := text.rfind(" ", start, at - 1) + 1 or start) : at - 1]) in PARTICLES
    ):
        at = begin
    if at == first or word in _INNER or lexicon().closed.get(word.lower()) == "D" or word == "à":
        return first
    return at


def over_given(text: str, first: int, start: int) -> int:
    """Return where a name begins that has given names and initials before its family name: not "a" of "a Lima aide".

    Example:
        >>> text = "A Lima aide met Ana B. Lima"
        >>> [text[over_given(text, text.index("Lima", at), 0):][:11] for at in (0, 12)]
        ['Lima aide m', 'Ana B. Lima']

    """
    at = first
    while found := _BEFORE_FAMILY.search(text, max(start, at - 30), at):
        if not (is_given(found[1].lower()) or _INITIALS.fullmatch(found[1])):
            break
        at = found.start()
    return first if text.startswith("A ", at) else at


@lru_cache(maxsize=NAMES)
def family(words: Words) -> str:
    """Return what the bearer of a name is later called, in one spelling: the family name without its particles.

    Example:
        >>> [family(tuple(name.split())) for name in ("Omar al-Haddad", "Lee Sun-woo", "Ana de la Torre", "Bo Hale Jr")]
        ['haddad', 'lee', 'torre', 'hale']

    """
    words = words[: len(words) - 1] if ending(words) else words
    word = words[0] if family_first(words) else words[-1]
    return slug(re.sub(rf"^{_ARTICLE}(?=\w)", "", word, flags=re.I))


@lru_cache(maxsize=NAMES)
def letters(words: Words) -> str:
    """Return the letters of a name, alike in all its spellings: "J. D. Vane" and "JD Vane", "Sun-woo" and "Sun Woo"."""
    return slug(" ".join(words)).replace("_", "")


@lru_cache(maxsize=NAMES)
def ending(words: Words) -> str:
    """Return what follows a family name: "jr", "iii"; "" if nothing does."""
    last = words[-1].lower().rstrip(".")
    return last if len(words) > 1 and (last in _JUNIOR or _NUMERAL.match(words[-1])) else ""


def middle_alike(one: Words, other: Words) -> bool:
    """Return whether what stands between given and family name can be one person's: nothing, an initial, the same.

    Example:
        >>> names = [tuple(name.split()) for name in ("Ana Lima", "Ana B. Lima", "Ana Bea Lima", "Ana Cleo Lima")]
        >>> [middle_alike(names[2], name) for name in names]
        [True, True, True, False]

    """
    middles = [[word.rstrip(".").lower() for word in words[1 : -2 if ending(words) else -1]] for words in (one, other)]
    return all(a == b or (1 in (len(a), len(b)) and a[:1] == b[:1]) for a, b in zip(*middles, strict=False))


def family_first(words: Words) -> bool:
    """Return whether a name is one whose family name comes first, by its shape: "Lee Sun-woo"."""
    return len(words) > 1 and _FAMILY_FIRST.match(words[-1]) is not None


@lru_cache(maxsize=NAMES)
def is_short(words: Words) -> bool:
    """Return whether a name is only a family name: "al-Haddad", "de la Torre", "Hale Jr"."""
    if len(words) > 1 and words[-1].lower().rstrip(".") in _JUNIOR:
        words = words[:-1]
    return len(words) == 1 or all(word.lower() in PARTICLES for word in words[:-1])


@lru_cache(maxsize=NAMES)
def has_form_of_person(words: Words) -> bool:
    """Return whether only a person's name has the form: "Piet van Holt", "Ana B. Lima", "Lee Sun-woo", "Bo Hale Jr"."""
    if family_first(words) or (ending(words) in _JUNIOR):
        return True
    return len(words) > 2 and any(word in _OF_PERSONS or _INITIAL.match(word) for word in words[1:-1])
