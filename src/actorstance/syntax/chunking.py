"""The noun phrases of a tagged sentence: where one begins and ends, what it consists of, and whose it is."""

from __future__ import annotations

from itertools import pairwise

from actorstance.syntax.tagging import Tagged

Phrase = tuple[int, int]  # first and last token

NOUNS = frozenset("NC#'")  # the tags inside one


class Chunked(Tagged):
    """A tagged sentence with its noun phrases.

    Example:
        >>> text = "The head of the board praised Varna, Ostia and Dorp."
        >>> chunked = Chunked(text, [(0, len(text), False)])
        >>> text[slice(*chunked.span(*chunked.phrase_before(chunked.words.index("praised") - 1)))]
        'The head of the board'

    """

    def phrase_before(self, last: int, whole: bool = True) -> Phrase | None:
        """Return the noun phrase that ends at token `last`, with its "of …" if `whole`."""
        tags = self.tags
        if last < 0 or tags[last] not in "NCp#QDw'":
            return None
        if tags[last] in "pw":
            return last, last
        first = last
        while first > 0 and tags[first - 1] in NOUNS:
            first -= 1
        while first > 0 and tags[first - 1] == "D":
            first -= 1
        if not whole:
            return first, last
        while first > 1 and (
            (tags[first - 1] == "I" and self.words[first - 1] in {"of", "for", "from", "in", "at", "with", "on", "to"})
            or (tags[first - 1] == "K" and self.words[first - 1] != "but")
        ):
            if tags[first - 2] not in "NC#":
                break
            inner = self.phrase_before(first - 2, whole=False)
            if inner is None:
                break
            first = inner[0]
        return first, last

    def phrase_after(self, first: int) -> Phrase | None:
        """Return the noun phrase that begins at token `first`."""
        tags, count = self.tags, len(self.tags)
        at = first
        while at < count and tags[at] == "R":
            at += 1
        first = at
        if at < count and tags[at] == "p":
            return at, at
        while at < count and tags[at] == "D":
            at += 1
        core = at
        while at < count and (tags[at] in NOUNS or (tags[at] == "D" and self.words[at] in {"other"})):
            at += 1
        if at == core:
            return (first, at - 1) if at > first else None
        while (
            at + 1 < count
            and tags[at] == "I"
            and self.words[at] in {"of", "for", "at", "from"}
            and tags[at + 1] in "DNC"
        ):
            inner = self.phrase_after(at + 1)
            if inner is None:
                break
            at = inner[1] + 1
        if at + 1 < count and tags[at] == "K" and tags[at + 1] in "DC" and self.words[at] == "and":
            inner = self.phrase_after(at + 1)
            if inner is not None and (inner[1] + 1 >= count or self.tags[inner[1] + 1] not in "VXR"):
                at = inner[1] + 1
        return first, at - 1

    def conjuncts(self, phrase: Phrase, verb: int) -> list[Phrase]:
        """Return the phrases that a verb's subject or agent consists of: "France, Germany and Italy".

        What is joined inside an "of …" stays whole, and names in a row count only where the sentence lets them begin:
        in "He met Lima and Orlov said no" only Orlov speaks.
        """
        tags, words = self.tags, self.words
        if phrase[0] < verb and "K" not in tags[max(0, phrase[0] - 1) : phrase[1]]:
            return [phrase]  # as most are
        joints = [at for at in range(phrase[0], phrase[1]) if tags[at] == "K" and words[at] != "but"]
        if any(tag == "I" for tag in tags[phrase[0] : joints[-1] if joints else phrase[0]]):
            return [phrase]
        edges = [phrase[0] - 1, *joints, phrase[1] + 1]
        parts = [(left + 1, right - 1) for left, right in pairwise(edges) if right - left > 1]
        if phrase[0] > verb:
            return parts + self._listed_behind(parts[-1][1] + 1) if not joints else parts
        listed = self._listed_before(parts[0][0], bool(joints))
        first = listed[0][0] if listed else parts[0][0]
        before = first - 1
        while before >= 0 and tags[before] in "R,":
            before -= 1
        if before < 0 or tags[before] in "Q:;-K(" or words[before] == "that":
            return listed + parts
        if tags[before] == "I" and (not listed or (before and tags[before - 1] in NOUNS)):
            return [phrase]  # "the head of A, B and C", "trade between A and B"
        return parts[-1:] if joints and not listed and tags[before] in "VvEG" else parts

    def _listed_before(self, first: int, joined: bool) -> list[Phrase]:
        """The names before a comma of which a subject is the last: "A, B and C", "A, B, and C"."""
        tags = self.tags
        at, found = first - 1, list[Phrase]()
        if not joined:  # only a serial comma joins: ", and C"
            if at < 1 or tags[at] != "K" or self.words[at] == "but" or tags[at - 1] != ",":
                return []
            at -= 1
        while at > 0 and tags[at] == ",":
            name = self.phrase_before(at - 1, whole=False)
            if name is None or not self._is_name(name):
                break
            found.insert(0, name)
            at = name[0] - 1
        return found if joined or len(found) > 1 else []

    def _listed_behind(self, at: int) -> list[Phrase]:
        """The further names of a list that an agent begins: "by A, B and C"; none if no "and" closes it."""
        tags, count, found = self.tags, len(self.tags), list[Phrase]()
        while at + 1 < count and tags[at] in ",K":
            last = tags[at] == "K" or tags[at + 1] == "K"
            name = self.phrase_after(at + 1 + (tags[at + 1] == "K"))
            if name is None:
                return []
            inner = [one for one in range(*name) if tags[one] == "K"]
            if inner:  # "B and C"
                return [*found, (name[0], inner[-1] - 1), (inner[-1] + 1, name[1])]
            if not self._is_name(name):
                return []
            found.append(name)
            if last:
                return found
            at = name[1] + 1
        return []

    def apposed(self, phrase: Phrase) -> Phrase:
        """Return the full name after a phrase that says who it is, else the phrase: "Okoro's lawyer, Ana Lima"."""
        tags, count, comma = self.tags, len(self.tags), phrase[1] + 1
        if comma >= count or tags[comma] != "," or tags[phrase[1]] != "N":
            return phrase
        last = comma
        while last + 1 < count and tags[last + 1] == "C":
            last += 1
        ends = last + 1 == count or tags[last + 1] in ",.;:-(Q"
        return (comma + 1, last) if last > comma + 1 and ends else phrase

    def _is_name(self, phrase: Phrase) -> bool:
        tags = self.tags[phrase[0] : phrase[1] + 1]
        return "C" in tags and all(tag in "CD'" for tag in tags)

    def owner(self, phrase: Phrase) -> Phrase | None:
        """Return whose a thing is: "Okoro's claim", "her claim"."""
        for at in range(phrase[1] - 1, phrase[0] - 1, -1):
            if self.tags[at] == "'" and at > phrase[0]:
                return self.phrase_before(at - 1)
        if self.words[phrase[0]] in {"his", "her", "their", "its", "my", "our", "your"}:
            return phrase[0], phrase[0]
        return None
