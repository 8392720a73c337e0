"""What a symptom is about: things that its words name, alerts that fire, and what those are about.

Names are looked up, never guessed: whole names and ids first, words beside a word of type ("the orders queue") next, single rare words
last. Reads are few: services and credentials come from an index that is kept per record, at most a dozen looks by name follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.cached import PerView
from agent.evidence import inline, text_of
from agent.incident import Anchor
from agent.signals import Signal, Signals, signals
from agent.symptom_words import stem, symptom_stems, words_of
from graph.clock import DAY, SECOND, Instant, rfc3339
from graph.lexicon import thing
from graph.model import EntityRef
from graph.store import EntityView, GraphStore, Limits, Provenance, View
from graph.text import name_tokens
from graph.vocabulary import Rank, Words, phrase_words, senses, singular

MAX_ANCHORS = 24
FIRING_WITHIN: Instant = 2 * 3_600 * SECOND
"""How long before the symptom an alert may have begun to fire to belong to it."""

_INDEXED = ("Service", "System", "Api", "Credential")
_SOUGHT = (
    "Resource",
    "Block",
    "Credential",
    "Service",
    "Module",
    "File",
    "Directory",
    "CloudAccount",
    "Repository",
    "Api",
    "System",
)
_TYPED = ("Resource", "Block")
_GENERIC = words_of(
    "service services prod production staging database db api web app application site website server servers backend frontend "
    "gateway proxy worker workers job jobs queue cache cluster host hosts node nodes pod pods load balancer network storage error "
    "errors request requests user users customer customers client clients data test dev main default system platform core "
    "infra infrastructure deploy deployment monitoring alert alerts status health common shared config build name names"
)
"""Names that are plain words: they count only where 'service' or a quotation mark stands beside them."""
_CHUNK = re.compile(r"[^\s\"'`<>()\[\]{},;|=“”‘’]+")
_QUOTED = re.compile(r"[\"'`“‘]([^\"'`“”‘’]{2,80})[\"'`”’]")
_HOST = re.compile(
    r"(?:[a-z]{2,10}://)?((?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})(?::\d{1,5})?(?:[/?#].*)?",
    re.I,
)
_TRIM = ".,:;!?…*#"
_IDENTIFIERS = 12
_PART = 0.7
"""How much a name counts that is part of a host's, or that of a whole system."""
_PHRASES = 4
_RARE_WORDS = 4
_RECENT = 14 * DAY
_NAMED_CHARS = 400
_FIRING_MOST = 12


@dataclass(frozen=True, slots=True)
class _Index:
    """Names of kinds that are few, in words and in stems."""

    exact: Mapping[Words, tuple[EntityRef, ...]]
    stemmed: Mapping[Words, tuple[EntityRef, ...]]
    longest: int


def _read_index(store: GraphStore, view: View) -> _Index:
    exact: dict[Words, list[EntityRef]] = {}
    stemmed: dict[Words, list[EntityRef]] = {}

    def add(name: str, ref: EntityRef) -> None:
        words = name_tokens(name)
        if words and not (len(words) == 1 and len(words[0]) < 2):
            _put(exact, words, ref)
            _put(stemmed, tuple(stem(w) for w in words), ref)

    for kind in _INDEXED:
        page = store.select(kind, {}, view, Limits(rows=20_000, deadline_s=10.0))
        of = {r: e.ref for e in page.items for r in e.refs}
        for entity in page.items:
            add(text_of(entity.properties, "name"), entity.ref)
            if kind == "Service":
                add(text_of(entity.properties, "title"), entity.ref)
        for alias in store.aliases(list(of), view) if of else ():
            if alias.scheme in ("name", "dns"):
                add(alias.name, of.get(alias.ref, alias.ref))
    return _Index(
        {k: tuple(v) for k, v in exact.items()},
        {k: tuple(v) for k, v in stemmed.items()},
        max(map(len, exact), default=0),
    )


_index = PerView(_read_index)


def _put(into: dict[Words, list[EntityRef]], key: Words, ref: EntityRef) -> None:
    if ref not in into.setdefault(key, []):
        into[key].append(ref)


@dataclass(slots=True)
class _Candidate:
    how: str
    confidence: float
    said: Provenance | None = None


class AnchorReader:
    """Reads the anchors of one symptom.

    `matching` are the alerts and incidents that were found to belong to it, likeliest first; `names` the words that name services.
    """

    def __init__(self, store: GraphStore, view: View, text: str, at: Instant, environment: str = "") -> None:
        self.matching: tuple[Signal, ...] = ()
        self.names: frozenset[str] = frozenset()
        self._store = store
        self._view = view
        self._text = text
        self._at = at
        self._environment = environment
        self._found: dict[EntityRef, _Candidate] = {}
        self._used: set[str] = set()

    def anchors(self) -> tuple[Anchor, ...]:
        """What the symptom is about, surest first."""
        self._services(self._identifiers())
        self._typed_phrases()
        named = bool(self._found)
        self._signals(named)
        if not self._found:
            self._rare_words()
        return self._labelled()

    def _add(self, ref: EntityRef, how: str, confidence: float, said: Provenance | None = None) -> None:
        known = self._found.get(ref)
        if known is None or known.confidence < confidence:
            self._found[ref] = _Candidate(how, round(confidence, 3), said)

    # -- names that are known beforehand

    def _services(self, looked_up: Iterable[str]) -> None:
        """Services and the like by name; the words of what was looked up whole are not names by themselves."""
        index = _index(self._store, self._view)
        text = self._text
        for name in looked_up:
            text = text.replace(name, " ")
        words = name_tokens(text)
        of_hosts = {
            w for chunk in _CHUNK.findall(text) if _HOST.fullmatch(chunk.strip(_TRIM)) for w in name_tokens(chunk)
        }
        quoted = {tuple(name_tokens(q)) for q in _QUOTED.findall(self._text)}
        i = order = 0
        while i < len(words) and order < MAX_ANCHORS:
            length, refs, sure = self._service_at(index, words, i)
            if not refs:
                i += 1
                continue
            own = tuple(words[i : i + length])
            beside = {words[i - 1] if i else "", words[i + length] if i + length < len(words) else ""}
            if length > 1 or (own[0] not in _GENERIC and own[0] not in _PLAIN):
                confidence = 0.9 if sure else 0.65
            elif own in quoted or beside & {"service", "services", "app", "application"} or len(words) == 1:
                confidence = 0.7
            else:
                i += 1
                continue
            if of_hosts.issuperset(own) and length == 1:
                confidence *= _PART
            self._used.update(own)
            if sure:
                self.names = self.names.union(own)
            for ref in refs:
                share = _PART if ref.kind in ("System", "Api") else 1.0
                self._add(ref, "named in the symptom", max(confidence * share / len(refs) ** 0.5 - 0.01 * order, 0.2))
            order += 1
            i += length

    def _service_at(self, index: _Index, words: Sequence[str], i: int) -> tuple[int, tuple[EntityRef, ...], bool]:
        for length in range(min(index.longest, len(words) - i), 0, -1):
            own = tuple(words[i : i + length])
            if refs := index.exact.get(own):
                return length, refs, True
            if length > 1 or len(own[0]) > 4:
                refs = index.stemmed.get(tuple(stem(w) for w in own), ())
                # A verb of the symptom is no name for sounding like one.
                if refs and (
                    length > 1 or singular(own[0]) != own[0] or any(singular(w) != w for w in self._names(refs))
                ):
                    return length, refs, False
        return 0, (), False

    def _names(self, refs: Sequence[EntityRef]) -> Iterable[str]:
        return (text_of(e.properties, "name").casefold() for e in self._store.entities(refs, self._view))

    # -- ids, addresses, hosts, paths

    def _identifiers(self) -> list[str]:
        """Looks up what is no plain word; returns what was found."""
        tried: dict[str, None] = {}
        for chunk in _CHUNK.findall(self._text):
            name = chunk.strip(_TRIM).strip("/") if not chunk.startswith("/") else chunk.strip(_TRIM)
            if 3 <= len(name) <= 400 and _is_identifier(name):
                tried.setdefault(name)
            if len(tried) >= _IDENTIFIERS:
                break
        # "Deployment/shop/api", `aws_lb.main["a b"]`: quoted names may hold what else ends one.
        for quoted in _QUOTED.findall(self._text)[:4]:
            tried.setdefault(quoted.strip())
        return [name for name in tried if self._identifier(name)]

    def _identifier(self, name: str) -> bool:
        host = _HOST.fullmatch(name)
        forms = [name, *([host[1].casefold()] if host else [])]
        if host and host[1].count(".") > 1:
            forms.append("*." + host[1].casefold().partition(".")[2])
        for form in dict.fromkeys(forms):
            hits = self._store.resolve_alias(form, self._view, Limits(rows=40), kinds=_SOUGHT).items
            refs = tuple(dict.fromkeys(h.ref for h in hits))
            if refs:
                self._used.update(name_tokens(name))
                sure = 0.95 if form == name else 0.85
                how = "named in the symptom" if form == name else f"its name {inline(form, 80)} is in the symptom"
                for ref in self._preferred(refs):
                    self._add(ref, how, max(sure / len(refs) ** 0.5, 0.15))
                return True
        words = name_tokens(name)
        if 2 <= len(words) <= 12 and not self._used.issuperset(words):
            hits = self._store.search_names(words, self._view, Limits(rows=30), kinds=_SOUGHT).items
            refs = tuple(dict.fromkeys(h.ref for h in hits))
            if refs and len(refs) <= 8:
                self._used.update(words)
                for ref in refs:
                    self._add(ref, f"its name holds {inline(name, 80)}", max(0.6 / len(refs) ** 0.5, 0.15))
                return True
        return False

    def _preferred(self, refs: tuple[EntityRef, ...]) -> tuple[EntityRef, ...]:
        """Of many things with one name those of the environment that is meant, where there are some."""
        if len(refs) < 2 or not self._environment:
            return refs[:8]
        there = [
            e.ref
            for e in self._store.entities(refs, self._view)
            if text_of(e.properties, "environment") in ("", self._environment)
        ]
        return tuple(there or refs)[:8]

    # -- "the orders queue", "queue orders"

    def _typed_phrases(self) -> None:
        words = name_tokens(self._text)[:300]
        done = 0
        i = 0
        while i < len(words) and done < _PHRASES:
            length = _type_words(words, i)
            if not length:
                i += 1
                continue
            ranks = senses(words[i : i + length])
            before = words[i - 1 : i] if i else ()
            after = words[i + length : i + length + 1]
            for word in (*before, *after):
                if self._is_name(word) and done < _PHRASES:
                    done += 1
                    if self._typed(word, ranks, " ".join(words[i : i + length])):
                        break
            i += length

    def _typed(self, word: str, ranks: tuple[Rank, ...], type_words: str) -> bool:
        hits = self._store.search_names((word,), self._view, Limits(rows=200), kinds=_TYPED).items
        if not hits:
            return False
        entities = self._store.entities(list(dict.fromkeys(h.ref for h in hits)), self._view)
        there = {text_of(e.properties, "type") for e in entities}
        for rank in ranks:
            types = rank.types(there)
            fitting = [
                e
                for e in entities
                if text_of(e.properties, "type") in types
                and text_of(e.properties, "block_type") != "data"
                and text_of(e.properties, "environment")
                in ("", self._environment or text_of(e.properties, "environment"))
            ]
            # Code and its instances in several environments are one thing by another count.
            different = len({(text_of(e.properties, "type"), text_of(e.properties, "name")) for e in fitting})
            if fitting and len(fitting) <= 12:
                how = f"'{word} {type_words}' in the symptom fits it"
                for entity in fitting:
                    self._add(entity.ref, how, max(0.75 / different**0.5, 0.2))
                self._used.add(word)
                return True
        return False

    def _is_name(self, word: str) -> bool:
        return (
            len(word) >= 3
            and not word.isdigit()
            and word not in _GENERIC
            and word not in phrase_words()
            and word not in _PLAIN
            and stem(word) not in symptom_stems()
        )

    # -- alerts and incidents

    def _signals(self, named: bool) -> None:
        everything = [s for s in signals(self._store, self._view).all if not s.by_hindsight]
        recent = [
            s for s in everything if s.started_at <= self._at and (s.is_incident or s.started_at >= self._at - _RECENT)
        ]
        told = self._told(recent)
        firing = [s for s in recent if not s.is_incident and _fires(s, self._at) and s not in told]
        firing = firing[-200:]
        about = self._about([*told, *firing])
        strong = {r for r, c in self._found.items() if c.confidence >= 0.4}
        if named:
            fitting = [s for s in firing if self._fits(s, about.get(s.ref, ()), strong)]
        else:
            fitting = [] if told else firing
        fitting.sort(key=lambda s: (-s.started_at, s.ref))
        for signal in told:
            self._signal(signal, f"the {_sort(signal)} is named in the symptom", 0.9, about)
        for signal in fitting[:_FIRING_MOST]:
            confidence = 0.7 if named else max(0.6 / len(fitting) ** 0.5, 0.2)
            self._signal(signal, f"it fired at {rfc3339(signal.started_at)[11:16]}", confidence, about)
        self.matching = (*told, *fitting[:_FIRING_MOST])

    def _told(self, recent: Sequence[Signal]) -> tuple[Signal, ...]:
        """The alerts and incidents that the text names: such as fire before such as are over, of which the last counts."""
        if not recent or not self._text:
            return ()
        text = self._text[:_NAMED_CHARS]
        named = [s for s in Signals(recent).named(text, near=self._at) if self._is_named(s, text)]
        firing = [s for s in named if _fires(s, self._at)]
        return tuple((firing or named[:1])[:3])

    def _is_named(self, signal: Signal, text: str) -> bool:
        """Whether a text names a signal, and does not only tell a failure in words like those of its name."""
        if signal.number and signal.number in name_tokens(text):
            return True
        for name in (signal.name, signal.key):
            several = len(name_tokens(name)) > 1
            if (several and name.casefold() in text.casefold()) or (name != name.casefold() and name in text):
                return True
        until = signal.ended_at if signal.ended_at is not None else self._at
        return self._at - signal.started_at <= DAY and self._at - until <= FIRING_WITHIN

    def _signal(
        self, signal: Signal, how: str, confidence: float, about: Mapping[EntityRef, Sequence[EntityRef]]
    ) -> None:
        self._add(signal.ref, how, confidence, signal.said)
        clock = rfc3339(signal.started_at)[11:16]
        because = (
            f"the {_sort(signal)} {inline(signal.label, 60)} is about it"
            if "named" in how
            else f"the alert {inline(signal.label, 60)} that fired at {clock} is about it"
        )
        for ref in about.get(signal.ref, ()):
            self._add(ref, because, confidence - 0.03, signal.said)
        for ref in self._service_named(signal.service):
            self._add(ref, because, confidence - 0.03, signal.said)

    def _service_named(self, name: str) -> tuple[EntityRef, ...]:
        return _index(self._store, self._view).exact.get(name_tokens(name), ())[:3] if name else ()

    def _about(self, found: Sequence[Signal]) -> dict[EntityRef, list[EntityRef]]:
        if not found:
            return {}
        refs = [s.ref for s in found]
        edges = self._store.neighbours(refs, self._view, Limits(rows=2_000), types=("ABOUT",), direction="out").items
        about: dict[EntityRef, list[EntityRef]] = {}
        for edge in edges:
            if edge.dst.kind not in ("Environment", "Account", "Person", "Team"):
                about.setdefault(edge.src, []).append(edge.dst)
        return about

    def _fits(self, signal: Signal, about: Sequence[EntityRef], named: set[EntityRef]) -> bool:
        if self._environment and signal.environment and signal.environment != self._environment:
            return False
        return bool(named.intersection(about)) or bool(named.intersection(self._service_named(signal.service)))

    # -- nothing else: rare words of names

    def _rare_words(self) -> None:
        tried = 0
        for word in dict.fromkeys(name_tokens(self._text)[:120]):
            if len(word) < 4 or not self._is_name(word):
                continue
            tried += 1
            if tried > _RARE_WORDS:
                return
            hits = self._store.search_names((word,), self._view, Limits(rows=40), kinds=_SOUGHT).items
            refs = tuple(dict.fromkeys(h.ref for h in hits))
            if 0 < len(refs) <= 8:
                for ref in refs:
                    self._add(ref, f"its name holds '{word}'", max(0.35 / len(refs) ** 0.5, 0.1))

    # -- out

    def _labelled(self) -> tuple[Anchor, ...]:
        if not self._found:
            return ()
        ranked = sorted(self._found, key=lambda r: (-self._found[r].confidence, r))[: MAX_ANCHORS * 2]
        views = self._store.entities(ranked, self._view)
        anchors: list[Anchor] = []
        joined: set[EntityRef] = set()
        for entity in views:
            if joined.intersection(entity.refs):
                continue
            joined.update(entity.refs)
            anchors.append(self._anchor(entity))
        anchors.sort(key=lambda a: (-a.confidence, a.ref))
        return tuple(anchors[:MAX_ANCHORS])

    def _anchor(self, entity: EntityView) -> Anchor:
        best = max((c for r in entity.refs if (c := self._found.get(r))), key=lambda c: c.confidence)
        newest = max(entity.statements, key=lambda s: (s.valid_from, s.provenance.observed_at))
        label = inline(thing(entity).label, 120)
        return Anchor(entity.ref, label, best.how, best.confidence, best.said or newest.provenance)


_PLAIN = words_of(
    "the and for with from that this since after before when while what which our new old all some more less very has have had "
    "was were are not can will does did its their into over under about again only just still been being than then now here "
    "there every each any both other same such between within without returns return returned shows show showing gets getting "
    "aws google gcp azure azurerm kubernetes k8s cloudflare http https www got get users user customers customer people someone something anything everything today yesterday morning night evening "
    "monday tuesday wednesday thursday friday saturday sunday please help urgent investigate issue issues problem problems "
    "high low rate many several most first last second minutes hours days percent ago also but because our their your"
)
"""Words of sentences that name nothing."""


def _is_identifier(name: str) -> bool:
    """Whether a word is one that is looked up: it joins parts, or mixes digits and letters, as ids and addresses do."""
    if any(c in name for c in "._/:-@"):
        return len(name_tokens(name)) > 1
    return any(c.isdigit() for c in name) and any(c.isalpha() for c in name) and len(name) >= 5


def _type_words(words: Sequence[str], i: int) -> int:
    """How many words from here on are a word of type ("queue", "target group"); not ones that a symptom is told by."""
    for length in (3, 2, 1):
        if i + length <= len(words) and senses(words[i : i + length]):
            return length
    return 0


def _fires(signal: Signal, at: Instant) -> bool:
    return at - FIRING_WITHIN <= signal.started_at <= at and (signal.ended_at is None or signal.ended_at > at)


def _sort(signal: Signal) -> str:
    return "incident" if signal.is_incident else "alert"
