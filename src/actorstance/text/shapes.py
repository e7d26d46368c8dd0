"""What a paragraph of a page is by its own words and shape, wherever it is: prose, byline, dateline, caption."""

from __future__ import annotations

import re

from actorstance.text.furniture import furniture
from actorstance.text.sentences import split

UNSURE = "?"  # a short line that only its position can decide
UP = "A-Z" + "".join(letter for letter in map(chr, range(0xC0, 0x250)) if letter.isupper())
_LOW = "a-z" + "".join(letter for letter in map(chr, range(0xC0, 0x250)) if letter.islower())
_CLOSED = r"['\"”’»)\]]*$"
_CITED = r"(?<=[^\W\d_]{2}[.!?])['\"”’]?(?:\[?\d{1,3}\]?|[¹²³⁴-⁹]+)$"  # with the number of a note: "denied it.4"
# Each begins with one set of characters, so that a search only looks where one of them is.
SENTENCE_END = re.compile(rf"[.!?…](?:{_CLOSED}|{_CITED})")
FINAL = re.compile(  # a paragraph may break off before a quotation
    rf"[.!?…:,;—–-](?:(?<=[.!?…:]){_CLOSED}|(?<=[,;—–-])['\"”’]?$|{_CITED})"
)
_LOWER_WORD = re.compile(rf"\s[{_LOW}]{{3}}")
WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
# fmt: off
FUNCTION_WORDS = frozenset([
    "the", "a", "an", "of", "to", "in", "and", "that", "is", "was", "for", "on", "with", "as", "by", "at", "from",
    "it", "its", "be", "has", "have", "had", "are", "were", "will", "would", "not", "but", "or", "this", "which",
    "who", "their", "his", "her", "he", "she", "they", "we", "you", "i", "after", "before", "over", "under",
    "into", "than", "about", "been", "said",
])
# fmt: on

_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_DATE = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)? {_MONTH},? ?\d{{4}}|{_MONTH} ?\d{{1,2}}(?:st|nd|rd|th)?,? ?\d{{4}}"
    r"|\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}[/.]\d{2,4})"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?"
_AGENCIES = (
    r"(?:afp|ap|reuters|upi|dpa|xinhua|associated press|agence france-presse|agencies|staff (?:reporter|writer)s?)"
)
_BYLINE = re.compile(
    rf"(?:by|from|written by|reported by|story by|words by|text by|interview by)[: ]\s*[^.!?]{{2,140}}"
    rf"|.{{0,60}}\b(?:published|updated|posted|last modified)\b(?:[: ].{{0,100}})?|{_WEEKDAY}{_DATE}.{{0,60}}"
    rf"|[^.!?]{{2,60}} ?(?:[|–—,·-]| on ) ?{_WEEKDAY}{_DATE}.{{0,60}}|(?:\d+|an?) (?:minutes?|hours?|days?) ago"
    rf"|{_AGENCIES}\W*|(?:reporting|editing|additional reporting|writing|compiled) by [^.!?]{{2,80}}.{{0,120}}"
    r"|\W*(?:additional )?(?:reporting|writing|compiled) by .{2,150}[;.] ?(?:(?:additional|further) )?"
    r"(?:reporting|writing|editing) by .{2,}"
    r"|[^.!?,]{3,40}, (?:[\w-]+ ){0,3}(?:correspondent|reporter|editor|staff writer)(?: in \w+)?",
    re.IGNORECASE,
)
_NAME = r"[A-Z][\w'’-]+\.?(?: [A-Z][\w'’-]+\.?){1,3}"
_DATED = re.compile(rf"{_WEEKDAY}{_DATE}\W.{{0,40}}", re.IGNORECASE)
_BYLINE_NAMES = re.compile(  # "Ana Lima in Varna", "Ana Lima and Jo Bek", "An analysis by Ana Lima": no full stop
    rf"{_NAME} in [A-Z][\w'’-]+(?: [A-Z][\w'’-]+){{0,2}}|{_NAME} and {_NAME}"
    rf"|(?:An? )?[A-Z]?[a-z ]{{3,30}} by {_NAME}(?:, [\w ]{{3,40}})?"
)
_COLLEAGUE = (  # or a small word: and, in, the, van
    rf"(?:[{UP}][\w.'’-]*|[a-z]{{2,3}}|from|also"
    r"|(?:staff |video )?(?:writer|reporter|correspondent|journalist|producer)s?)"
)
_REPORTED = re.compile(  # "Korb reported from Ostia, and Ana Lima from Varna.": nothing but names, and who helped
    rf"{_COLLEAGUE}(?:,? {_COLLEAGUE}){{0,5}} reported from (?:{_COLLEAGUE}[,;.]*(?: |\Z)|reported |contributed "
    r"|to |this |(?:report|story|article)[.]?(?: |\Z))+"
)
_CONTRIBUTED = re.compile(  # "Meridia writer Ana Lima in Varna contributed to this report.": somebody must be named
    rf"\W*(?:{_COLLEAGUE},? )*[{UP}][\w'’-]+ [{UP}][\w'’-]+(?:,? {_COLLEAGUE})*,? contributed"
    r" (?:(?:reporting|research)\b.{0,60}|to (?:this|the) (?:report|story|article))\W*"
)
_BYLINES = (_BYLINE, _BYLINE_NAMES, _CONTRIBUTED, _REPORTED)
_CREDIT = r"(?:photos?|pictures?|images?|photographs?|handout|file|courtesy|getty images?|reuters|afp|ap|epa)"
_CAPTION = re.compile(
    rf".*\((?:[^()]{{0,60}}\W)?{_CREDIT}(?:\W[^()]{{0,40}})?\)\.?|.*\[[^\[\]]{{0,40}}\b(?:photo|picture|image)\b[^\[\]]{{0,40}}\]\.?"
    rf"|.*\b(?:photo|photograph|picture|image|illustration)s?(?: credit)?(?: by\b|:).{{2,60}}"
    rf"|(?:file )?(?:photo|image|picture|caption|credit|illustration)s? ?[:/].*"
    r"|(?:image|media|photo|picture|video)s? (?:source|caption|credit)\b.*|.*\bcredit: ?[^.]{2,50}"
    r"|.*[.\w]credit\.\.\..{2,80}|.*\([\w.'’ -]{3,40} for (?:the )?\w[\w ]{3,40}\)"
    r"|.*\bphoto ?[|/:] ?.{2,60}"
    r"|[(\[]\d+(?:/| of )\d+[)\]] .*|.*\([\w .]{2,30}: [A-Z]\w+ [A-Z][\w-]+\)",
    re.IGNORECASE,
)
_CAPTION_SIGNS = ("(", "[", "photo", "image", "picture", "illustration", "caption", "credit", "source")
_AGENCY_LAST = re.compile(rf"[./|] ?{_AGENCIES[:-1]}|getty images|epa|ap photo)(?:/[\w .]+)?\.?\Z", re.IGNORECASE)
_CREDIT_LINE = re.compile(rf"{_NAME}[/|] ?[A-Z]\w+(?:[ /][A-Z][\w.]+)*\.?")
_PICTURES = r"(?:Getty Images|Alamy|Shutterstock|NurPhoto|Anadolu|PA (?:Media|Images)|EPA-EFE|AP Photo|Reuters|REUTERS)"
_OF = r"(?:[\w.'’ -]{2,40}?(?: via |/ ?)){0,2}"  # the photographer, or an agency before the agency
# A credit before a caption. "A" or "The" tells it from a sentence about the agency; without them, the lack of a final
# full stop, and not all long words capitalised, as in a headline. The EPA and the AFP are other bodies too.
_CREDIT_FIRST = re.compile(
    rf"(?:{_OF}(?:{_PICTURES}|AFP|AP|EPA)|{_NAME}/ ?[A-Z][\w.]+(?: [A-Z][\w.]+)?) (?:An?|The) \w.*"
    rf"|{_OF}{_PICTURES} (?!\w+:)[{UP}\d](?=.*\s[a-z]{{5}}).*[^.!?…\"”’]"
)
TIME = re.compile(r"\d{1,2}[:.]\d\d ?(?:[ap]\.?m\.?)?(?: [A-Z]{2,4})?\W*", re.IGNORECASE)
_CITY = (  # not a salutation: a letter's "SIR – " and "MADAM, " open its first sentence
    rf"(?!(?:SIRS?|MADAM|DEAR|EDITOR)\b)[{UP}][{UP}.'’-]*[{UP}]"
    rf"(?:[ /,]+(?:[{UP}][{UP}.'’-]+|[{UP}][{_LOW}]+\.?(?=[ ,:—–-])|D\.C\.|and(?= [A-Z]{{3}})))*"
)
_CAP_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
DATELINE = re.compile(  # CITY/ CITY, Country, Feb. 12 (Agency) —   ·   (CNN) --   ·   Varna (Agency) –
    rf"(?:{_CITY}|[{UP}][{_LOW}]+(?: [{UP}][{_LOW}]+)?(?=,? \([A-Z])|(?=\([A-Z]{{2,}}\)))"
    rf"(?:,? (?:{_CAP_MONTH} \d{{1,2}}|\d{{1,2}} {_CAP_MONTH})(?:,? \d{{4}})?)?(?:,? ?\([A-Z][\w .,/-]{{1,30}}\))?"
    r"(?: ?(?:—|–|--) ?| -+ ?|: (?=(?:\S+\s+){8})|\. /[A-Z]{2,}/\.? )(?=[\"“'‘]?[A-Z\d])",
)

_AGENCY = (
    r"(?:[A-Z]{2,8}(?:[/ -][A-Z]{2,8}){0,3}|Reuters|Xinhua|Bernama|Yonhap|Kyodo|Agencies|Interfax"
    r"|(?:[A-Z]\w+ ){1,3}(?:Agency|Service|Desk))"
)
_SIGNATURE = re.compile(  # — AFP · (ANI) · (With PTI inputs) · PTI KND ABC · dw/rc (AP, Reuters) · Enditem · ■
    rf"(?:\s*(?:[■♦●◆□▪#*]+|-0-|/ ?{_AGENCY})"
    rf"|\s+(?:[—–-]+ ?{_AGENCY}|(?:with )?{_AGENCY}|[a-z]{{2,4}}(?:/[a-z]{{2,4}})+"
    rf"|\((?:[Ww]ith )?{_AGENCY}(?:[,/ ]+\w{{2,12}}){{0,3}}\)"
    r"|\((?:[Ww]ith|[Ff]rom)\b[^()]{0,30}\bagenc(?:y|ies)\b[^()]{0,20}\)"
    r"|\((?:Reporting|Writing|Additional reporting|Compiled) by [^()]{5,160}\)"
    r"|[/\[(–-]* ?(?:(?i:ends?)|Enditem|Item ends) ?[/\])–-]*)){1,3}\Z"
)
_SIGNED = 200  # characters, more than any signature
_UNSIGNED = tuple('.!?…,:;"”’')  # how no signature ends


def unsigned(text: str) -> str:
    """Return a paragraph without the agency's name, or the mark of the article's end, behind its last sentence.

    Example:
        >>> unsigned("Varna thanked Ostia. — AFP"), unsigned("She asked Ostia to help. ■"), unsigned("It left the EU.")
        ('Varna thanked Ostia.', 'She asked Ostia to help.', 'It left the EU.')

    """
    if text.endswith(_UNSIGNED):
        return text
    found = _SIGNATURE.search(text, max(0, len(text) - _SIGNED))
    before = text[: found.start()].rstrip() if found else ""
    clock = re.search(r"\b[ap]\.m\.\Z", before)  # 5 p.m. EDT
    return before if SENTENCE_END.search(before) and not clock else text


def alone(text: str) -> tuple[str, str]:
    """What a paragraph is by itself; `UNSURE` for a short line that only its position can decide."""
    if (len(text) <= 120 and _CREDIT_LINE.fullmatch(text)) or (len(text) <= 600 and _CREDIT_FIRST.fullmatch(text)):
        return "caption", "credit of a picture"
    if len(text) <= 80 and _DATED.fullmatch(text):
        return "byline", "author, agency or date"
    if reason := furniture(text):
        return "furniture", reason
    if TIME.fullmatch(text):
        return "sub-heading", "time of an entry"
    if len(text) <= 250 and any(pattern.fullmatch(text) for pattern in _BYLINES):
        return "byline", "author, agency or date"
    if len(text) <= 600 and _is_caption(text):
        return "caption", "credit of a picture"
    if _is_prose(text):
        return "body", "whole sentences"
    return UNSURE, "short line"


def _is_caption(text: str) -> bool:
    lower = text.lower()
    credited = any(sign in lower for sign in _CAPTION_SIGNS) and _CAPTION.fullmatch(text)
    return bool(credited or _AGENCY_LAST.search(text))


def _is_prose(text: str) -> bool:
    """Whether a line looks like whole sentences: it ends like one, and unless short has small words.

    Two sentences need none ("Kelland rejoiced. Torsay kept quiet."). In a menu with full stops every word is
    capitalised; a question and its answer may be a headline.
    """
    if not FINAL.search(text):
        return False
    count, small = 0, False
    for word in WORD.finditer(text):
        count += 1
        small = small or word[0].lower() in FUNCTION_WORDS
        if small and count >= 2:
            return True
    if count < 8:
        return count >= 2
    ends = "?" not in text and SENTENCE_END.search(text)
    return bool(ends and sum(bool(_LOWER_WORD.search(text[slice(*span)])) for span in split(text)) >= 2)
