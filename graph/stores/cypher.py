"""Every Cypher text there is. Texts are constants, put together from constants; what comes from outside is a parameter, always.

Layout. Labels begin with `Lore`, so that a database may hold other things as well.

    (:LoreTimeline)-[:ENTITY|ALIAS|PASSAGE|SRC|SAME_SRC]->(:LoreRef)      what it is about; the source end of a relation
    (:LoreTimeline)-[:DST|SAME_DST]->(:LoreRef)                           the far end of a relation; `SAME_*` for `schema.JOINING`
    (:LoreTimeline)-[:HAS]->(:LoreVersion)-[:SAYS]->(:LoreText)           its points (`graph.merge.Row`); a passage's text

A property that is not there has the value that is by far the commonest: `valid_to`, `stated_end`, `superseded_at` are open,
`state` is present, `stated` is true, `joined` is 0. A version of `CHANGED` where a change begins is also a `LoreChange`.
`LoreTimeline.terms` are the digests of the index terms of all its versions, parted by spaces, and `LorePosting` the posting
lists of full text; both only supply candidates. Ledgers: `LoreClock` (locked first by every writer), `LorePublished` (the last
record that readers see), `LoreBatch`, `LoreScope`, `LoreSnapshot`, `LoreQuarantine`, `LorePurge`, `LoreTombstone`, `LoreLabel`.

Nodes are named by `id()` within one operation, as numbers; nothing outside the store ever sees them.
"""

from __future__ import annotations

from functools import cache

# -- schema

SCHEMA_NAMES = "SHOW INDEXES YIELD name RETURN name"
"""Names of the indexes there are; a constraint has one of its own name."""
SCHEMA = {
    "lore_ref": "CREATE CONSTRAINT lore_ref IF NOT EXISTS FOR (n:LoreRef) REQUIRE n.id IS UNIQUE",
    "lore_timeline": "CREATE CONSTRAINT lore_timeline IF NOT EXISTS FOR (n:LoreTimeline) REQUIRE n.tid IS UNIQUE",
    "lore_text": "CREATE CONSTRAINT lore_text IF NOT EXISTS FOR (n:LoreText) REQUIRE n.number IS UNIQUE",
    "lore_batch": "CREATE CONSTRAINT lore_batch IF NOT EXISTS FOR (n:LoreBatch) REQUIRE n.id IS UNIQUE",
    "lore_record": "CREATE CONSTRAINT lore_record IF NOT EXISTS FOR (n:LoreBatch) REQUIRE n.record IS UNIQUE",
    "lore_scope": "CREATE CONSTRAINT lore_scope IF NOT EXISTS FOR (n:LoreScope) REQUIRE n.id IS UNIQUE",
    "lore_label": "CREATE CONSTRAINT lore_label IF NOT EXISTS FOR (n:LoreLabel) REQUIRE n.id IS UNIQUE",
    "lore_posting": "CREATE CONSTRAINT lore_posting IF NOT EXISTS FOR (n:LorePosting) REQUIRE (n.term, n.part) IS UNIQUE",
    "lore_vector": "CREATE CONSTRAINT lore_vector IF NOT EXISTS FOR (n:LoreVector) REQUIRE n.hash IS UNIQUE",
    "lore_tombstone": "CREATE CONSTRAINT lore_tombstone IF NOT EXISTS FOR (n:LoreTombstone) REQUIRE n.digest IS UNIQUE",
    "lore_timeline_scope": "CREATE INDEX lore_timeline_scope IF NOT EXISTS FOR (n:LoreTimeline) ON (n.scope)",
    "lore_change_at": "CREATE INDEX lore_change_at IF NOT EXISTS FOR (n:LoreChange) ON (n.valid_from)",
    "lore_text_hash": "CREATE INDEX lore_text_hash IF NOT EXISTS FOR (n:LoreText) ON (n.hash)",
    "lore_snapshot_scope": "CREATE INDEX lore_snapshot_scope IF NOT EXISTS FOR (n:LoreSnapshot) ON (n.scope)",
    "lore_quarantine_record": "CREATE INDEX lore_quarantine_record IF NOT EXISTS FOR (n:LoreQuarantine) ON (n.record)",
    "lore_batch_at": "CREATE INDEX lore_batch_at IF NOT EXISTS FOR (n:LoreBatch) ON (n.at)",
    "lore_terms": "CREATE FULLTEXT INDEX lore_terms IF NOT EXISTS FOR (n:LoreTimeline) ON EACH [n.terms] "
    "OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}}",
    # last, for it says that the layout is complete
    "lore_clock": "CREATE CONSTRAINT lore_clock IF NOT EXISTS FOR (n:LoreClock) REQUIRE n.id IS UNIQUE",
}
AWAIT_INDEXES = "CALL db.awaitIndexes(120)"
READ_CLOCK = "MATCH (c:LoreClock {id: 1}) MATCH (p:LorePublished) RETURN c.schema_version, c.record, p.record, c.embedder, c.dimension"
CREATE_CLOCK = """
MERGE (c:LoreClock {id: 1})
ON CREATE SET c.schema_version = $schema_version, c.record = 0, c.scopes = 0, c.texts = 0, c.labels = 0, c.purges = 0,
  c.salt = $salt
WITH c SET c.locked = 0
MERGE (p:LorePublished) ON CREATE SET p.record = 0, p.purges = 0
"""
PUBLISH = "MATCH (p:LorePublished) SET p.record = CASE WHEN p.record < $record THEN $record ELSE p.record END"
PUBLISH_ALL = """
MATCH (c:LoreClock {id: 1}) MATCH (p:LorePublished) WHERE p.record < c.record
WITH p, c.record AS record SET p.record = CASE WHEN p.record < record THEN record ELSE p.record END
"""

# -- conditions

PERMITTED = "(t.label IN $labels OR (t.label CONTAINS '+' AND all(part IN split(t.label, '+') WHERE part IN $labels)))"
KNOWN = "v.recorded_at <= $known AND (v.superseded_at IS NULL OR v.superseded_at > $known) AND v.state IS NULL"
VISIBLE = f"{KNOWN} AND v.valid_from <= $latest AND (v.valid_to IS NULL OR v.valid_to > $moment)"
ROW = (
    "v.valid_from, v.valid_to, v.state, v.body, v.observed_at, v.locator, v.url, v.extractor, v.stated_end, v.stated,"
    " v.joined"
)
"""The columns of a version that `neo4j_rows.row` takes."""
TEXT_ROW = ROW.replace("v.body", "x.text")
_REF = "coalesce({0}.long, {0}.id)"

# -- writing: ledgers

LOCK_CLOCK = "MATCH (c:LoreClock {id: 1}) SET c.locked = c.locked + 1"
READ_LEDGERS = """
MATCH (c:LoreClock {id: 1})
MATCH (p:LorePublished)
OPTIONAL MATCH (b:LoreBatch {id: $batch})
OPTIONAL MATCH (s:LoreScope {id: $scope})
RETURN c.record, c.scopes, c.texts, c.labels, c.salt, c.at, b.record, b.digest, b.attempt, b.rows, p.record, s.number,
  EXISTS { MATCH (:LoreTombstone) }
"""
READ_SNAPSHOTS = (
    "MATCH (n:LoreSnapshot {scope: $scope}) RETURN n.taken_at, n.generation, n.extractor ORDER BY n.taken_at"
)
WRITE_LEDGERS = """
MATCH (c:LoreClock {id: 1})
SET c.record = $record, c.scopes = $scopes, c.texts = $texts, c.labels = $labels, c.at = $at
CREATE (:LoreBatch {id: $batch, long: $long, record: $record, at: $at, digest: $digest, scope: $number, extractor: $extractor,
  attempt: $attempt, rows: $rows})
MERGE (s:LoreScope {id: $scope})
ON CREATE SET s.source = $source, s.name = $name, s.number = $number, s.batches = 0, s.quarantined = 0
SET s.cursor = coalesce($cursor, s.cursor), s.last_applied_at = $at, s.batches = s.batches + 1,
  s.quarantined = s.quarantined + size($quarantined),
  s.fresh_until = CASE WHEN $fresh_until IS NULL OR s.fresh_until > $fresh_until THEN s.fresh_until ELSE $fresh_until END
FOREACH (q IN $quarantined |
  CREATE (:LoreQuarantine {record: $record, scope: $number, place: q[0], locator: q[1], reason: q[2]}))
FOREACH (n IN $snapshots |
  CREATE (:LoreSnapshot {scope: $number, taken_at: n[0], generation: n[1], extractor: n[2], record: $record}))
"""

# -- writing: facts

FIND_REFS = """
UNWIND range(0, size($refs) - 1) AS i
MATCH (r:LoreRef {id: $refs[i]})
RETURN i, id(r)
"""
NEW_REFS = """
UNWIND range(0, size($refs) - 1) AS i
CREATE (r:LoreRef {id: $refs[i]})
RETURN i, id(r)
"""
NAME_LONG_REFS = "UNWIND $rows AS row MATCH (r:LoreRef) WHERE id(r) = row[0] SET r.long = row[1]"
MARK_JOINED = "UNWIND $refs AS n MATCH (r:LoreRef) WHERE id(r) = n AND r.joined IS NULL SET r.joined = true"
LOAD = f"""
UNWIND $wanted AS row
MATCH (t:LoreTimeline {{tid: row[1]}})
OPTIONAL MATCH (t)-[:HAS]->(v:LoreVersion)
WHERE v.superseded_at IS NULL AND (v.valid_from >= row[2] OR v.valid_to IS NULL OR v.valid_to >= row[2])
RETURN row[0], id(t), id(v), NULL, {ROW}
"""
LOAD_TEXTS = f"""
UNWIND $wanted AS row
MATCH (t:LoreTimeline {{tid: row[1]}})
OPTIONAL MATCH (t)-[:HAS]->(v:LoreVersion)
WHERE v.superseded_at IS NULL AND (v.valid_from >= row[2] OR v.valid_to IS NULL OR v.valid_to >= row[2])
OPTIONAL MATCH (v)-[:SAYS]->(x:LoreText)
RETURN row[0], id(t), id(v), x.number, {TEXT_ROW}
"""
REST_OF_SCOPE = """
MATCH (t:LoreTimeline {scope: $scope})-[:HAS]->(v:LoreVersion)
WHERE v.superseded_at IS NULL AND (v.valid_from = $at
  OR v.state IS NULL AND v.valid_from < $at AND (v.valid_to IS NULL OR v.valid_to > $at))
RETURN DISTINCT t.tid
"""
TIMELINE_KEYS = f"""
UNWIND $tids AS tid
MATCH (t:LoreTimeline {{tid: tid}})-[a:ENTITY|ALIAS|PASSAGE|SRC|SAME_SRC]->(r:LoreRef)
OPTIONAL MATCH (t)-[:DST|SAME_DST]->(o:LoreRef)
RETURN tid, type(a), {_REF.format("r")}, t.type, coalesce({_REF.format("o")}, t.name), t.discriminator, t.label
"""


_POINT = (
    "{recorded_at: $record, valid_from: row[1], valid_to: row[2], state: row[3], body: row[4], observed_at: row[5],"
    " locator: row[6], url: row[7], extractor: row[8], stated_end: row[9], stated: row[10], joined: row[11]}"
)
_TIMELINE = "tid: row[0], scope: $scope, label: row[15], type: row[16]"
_VERSIONS = {
    "plain": f"(v:LoreVersion {_POINT})",
    "change": f"(v:LoreVersion:LoreChange {_POINT})",
    "text": f"(v:LoreVersion {_POINT})-[:SAYS]->(:LoreText {{number: row[12], hash: row[13], text: row[14]}})",
}


@cache
def new_timelines(relationship: str, sort: str) -> str:
    """Timelines with their first versions. Returns (id, number) of those that get more versions.

    `relationship` is ENTITY, ALIAS, PASSAGE, SRC or SAME_SRC; `sort` of the version is plain, change or text (a new one).
    """
    if relationship.endswith("SRC"):
        far = relationship.replace("SRC", "DST")
        find, connect = "MATCH (o:LoreRef) WHERE id(o) = row[18]", f"CREATE (t)-[:{far}]->(o)"
        rest = "discriminator: row[19]"
    else:
        find, connect, rest = "", "", "name: row[18], terms: row[19]"
    return f"""
    UNWIND $rows AS row
    MATCH (r:LoreRef) WHERE id(r) = row[17]
    {find}
    CREATE (r)<-[:{relationship}]-(t:LoreTimeline {{{_TIMELINE}, {rest}}})-[:HAS]->{_VERSIONS[sort]}
    {connect}
    WITH row, t WHERE row[20]
    RETURN row[0], id(t)
    """


_ONTO = "UNWIND $rows AS row MATCH (t:LoreTimeline) WHERE id(t) = row[0]"
NEW_VERSIONS = f"{_ONTO} CREATE (t)-[:HAS]->{_VERSIONS['plain']}"
NEW_CHANGES = f"{_ONTO} CREATE (t)-[:HAS]->{_VERSIONS['change']}"
NEW_TEXT_VERSIONS = f"{_ONTO} CREATE (t)-[:HAS]->{_VERSIONS['text']}"
OLD_TEXT_VERSIONS = (
    f"{_ONTO} MATCH (x:LoreText {{number: row[12]}}) CREATE (t)-[:HAS]->{_VERSIONS['plain']}-[:SAYS]->(x)"
)
SUPERSEDE = "UNWIND $versions AS n MATCH (v:LoreVersion) WHERE id(v) = n SET v.superseded_at = $record"
ADD_TERMS = """
UNWIND $rows AS row
MATCH (t:LoreTimeline) WHERE id(t) = row[0]
WITH t, [word IN row[1] WHERE NOT t.terms CONTAINS word] AS words WHERE size(words) > 0
SET t.terms = reduce(terms = t.terms, word IN words | terms + ' ' + word)
"""

TOMBSTONES = "MATCH (n:LoreTombstone) WHERE n.digest IN $digests RETURN n.digest"

# -- writing: texts

KNOWN_TEXTS = """
UNWIND $rows AS row
MATCH (t:LoreTimeline) WHERE id(t) = row[1]
MATCH (t)-[:HAS]->(:LoreVersion)-[:SAYS]->(x:LoreText {hash: row[2]})
RETURN DISTINCT row[0], x.number
"""
LABELS = "MATCH (n:LoreLabel) RETURN coalesce(n.long, n.id), n.number, n.passages, n.tokens"
COUNT_TEXTS = """
UNWIND $rows AS row
MERGE (n:LoreLabel {id: row[0]})
ON CREATE SET n.long = row[1], n.number = row[2], n.passages = 0, n.tokens = 0
SET n.passages = n.passages + row[3], n.tokens = n.tokens + row[4]
"""
READ_POSTINGS = """
UNWIND $rows AS row
MATCH (p:LorePosting {term: row[1], part: row[2]})
RETURN row[0], p.entries
"""
WRITE_POSTINGS = "UNWIND $rows AS row MERGE (p:LorePosting {term: row[0], part: row[1]}) SET p.entries = row[2]"
POSTINGS_OF = """
UNWIND $terms AS term
MATCH (p:LorePosting) WHERE p.term = term AND p.part >= 0
RETURN term, p.part, p.entries
"""

# -- reading: ledgers

PIN = "MATCH (p:LorePublished) RETURN p.record, p.purges"
GAP = "MATCH (c:LoreClock {id: 1}) MATCH (p:LorePublished) RETURN c.record, p.record"
RECORD_AT = "MATCH (b:LoreBatch) WHERE b.at <= $at RETURN b.record ORDER BY b.at DESC, b.record DESC LIMIT 1"
CURSOR = "MATCH (s:LoreScope {id: $scope}) RETURN s.cursor"
SCOPES = "MATCH (s:LoreScope) RETURN s.number, s.source, s.name"

# -- reading: refs and joined things

PIN_AND_REFS = f"""
MATCH (p:LorePublished)
OPTIONAL MATCH (r:LoreRef) WHERE r.id IN $refs
RETURN p.record, id(r), {_REF.format("r")}, r.joined
"""
REFS = f"MATCH (r:LoreRef) WHERE r.id IN $refs RETURN id(r), {_REF.format('r')}, r.joined"
REFS_OF_KIND = f"MATCH (r:LoreRef) WHERE r.id STARTS WITH $prefix RETURN id(r), {_REF.format('r')}, r.joined"
JOINS = f"""
UNWIND $ids AS n
MATCH (r:LoreRef) WHERE id(r) = n
MATCH (r)<-[:SAME_SRC|SAME_DST]-(t:LoreTimeline)-[:SAME_SRC|SAME_DST]->(o:LoreRef)
WHERE {PERMITTED} AND EXISTS {{ MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE} }}
RETURN n, id(o), {_REF.format("o")}, t.type
"""


def _stated(ref: str) -> str:
    """Whether an entity statement about a ref is visible."""
    permitted, visible = PERMITTED.replace("t.label", "s.label"), VISIBLE.replace("v.", "w.")
    return f"EXISTS {{ MATCH ({ref})<-[:ENTITY]-(s:LoreTimeline)-[:HAS]->(w:LoreVersion) WHERE {permitted} AND {visible} }}"


STATED = f"UNWIND $ids AS n MATCH (r:LoreRef) WHERE id(r) = n AND {_stated('r')} RETURN n"
ENTITY_STATEMENTS = f"""
UNWIND $ids AS n
MATCH (r:LoreRef) WHERE id(r) = n
MATCH (r)<-[:ENTITY]-(t:LoreTimeline) WHERE {PERMITTED}
MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE}
RETURN n, t.label, t.scope, id(t), {ROW}
"""
SPANS = f"""
UNWIND $timelines AS n
MATCH (t:LoreTimeline) WHERE id(t) = n
MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {KNOWN}
OPTIONAL MATCH (v)-[:SAYS]->(x:LoreText)
RETURN n, {ROW.replace("v.body", "coalesce(x.text, v.body)")}
ORDER BY n, v.valid_from
"""
ENTITY_TIMELINES = f"""
UNWIND $ids AS n
MATCH (r:LoreRef) WHERE id(r) = n
MATCH (r)<-[:ENTITY]-(t:LoreTimeline) WHERE {PERMITTED}
RETURN n, t.label, t.scope, id(t)
"""


@cache
def by_terms(*, limited: bool) -> str:
    """Refs of entities with index terms; the first `$rows` when it is limited."""
    options = ", {limit: $rows}" if limited else ""
    return f"""
    CALL db.index.fulltext.queryNodes('lore_terms', $query{options}) YIELD node AS t
    MATCH (t)-[:ENTITY]->(r:LoreRef)
    RETURN DISTINCT id(r), {_REF.format("r")}, r.joined
    """


@cache
def edges(near: str, far: str, *, typed: bool) -> str:
    """Visible relation versions at refs. `near` and `far` are the ends: SRC, DST or both, with or without the `SAME_` ones."""
    of_type = " AND t.type IN $types" if typed else ""
    return f"""
    UNWIND $ids AS n
    MATCH (r:LoreRef) WHERE id(r) = n
    MATCH (r)<-[a:{near}]-(t:LoreTimeline)-[:{far}]->(o:LoreRef) WHERE {PERMITTED}{of_type}
    MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE}
    RETURN n, type(a) ENDS WITH 'SRC', id(o), {_REF.format("o")}, o.joined, {_stated("o")},
      t.type, t.discriminator, t.label, t.scope, id(t), {ROW}
    """


# -- reading: changes

_STARTS = (
    f"{KNOWN} AND coalesce(v.joined, 0) IN [0, 2] AND (v.valid_to IS NULL OR v.valid_to > $moment OR v.joined = 2)"
)
_IN_WINDOW = "v.valid_from >= $since AND v.valid_from < $before"
_CHANGE = f"""
RETURN id(c), {_REF.format("c")}, c.joined, {_stated("c")}, {_REF.format("d")}, t.discriminator, t.label, t.scope, id(t), {ROW}
ORDER BY v.valid_from DESC
"""
CHANGES_BY_TIME = f"""
MATCH (v:LoreChange) WHERE {_IN_WINDOW} AND {_STARTS}
MATCH (v)<-[:HAS]-(t:LoreTimeline) WHERE {PERMITTED}
WITH v, t ORDER BY v.valid_from DESC LIMIT $rows
MATCH (c:LoreRef)<-[:SRC]-(t)-[:DST]->(d:LoreRef)
{_CHANGE}
"""
CHANGES_BY_TARGET = f"""
UNWIND $targets AS n
MATCH (d:LoreRef) WHERE id(d) = n
MATCH (d)<-[:DST]-(t:LoreTimeline) WHERE t.type = 'CHANGED' AND {PERMITTED}
MATCH (t)-[:HAS]->(v:LoreChange) WHERE {_IN_WINDOW} AND {_STARTS}
WITH d, t, v ORDER BY v.valid_from DESC LIMIT $rows
MATCH (c:LoreRef)<-[:SRC]-(t)
{_CHANGE}
"""
CHANGES_BY_CHANGE = f"""
UNWIND $changes AS n
MATCH (c:LoreRef) WHERE id(c) = n
MATCH (c)<-[:SRC]-(t:LoreTimeline) WHERE t.type = 'CHANGED' AND {PERMITTED}
MATCH (t)-[:HAS]->(v:LoreChange) WHERE {_IN_WINDOW} AND {_STARTS}
WITH c, t, v ORDER BY v.valid_from DESC LIMIT $rows
MATCH (t)-[:DST]->(d:LoreRef)
{_CHANGE}
"""
MADE_BY = f"""
UNWIND $ids AS n
MATCH (r:LoreRef) WHERE id(r) = n
MATCH (r)<-[:DST]-(t:LoreTimeline)-[:SRC]->(c:LoreRef) WHERE t.type IN $types AND {PERMITTED}
AND EXISTS {{ MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE} }}
RETURN DISTINCT id(c), {_REF.format("c")}, c.joined
"""

# -- reading: names

_ALIAS = f"RETURN {_REF.format('r')}, t.type, t.name, t.scope, id(t), {ROW}"
ALIASES = f"""
UNWIND $ids AS n
MATCH (r:LoreRef) WHERE id(r) = n
MATCH (r)<-[:ALIAS]-(t:LoreTimeline) WHERE {PERMITTED}
MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE}
{_ALIAS}
"""
ALIASES_BY_TERMS = f"""
CALL db.index.fulltext.queryNodes('lore_terms', $query) YIELD node AS t
MATCH (t)-[:ALIAS]->(r:LoreRef) WHERE {PERMITTED} AND ($schemes IS NULL OR t.type IN $schemes)
MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE}
{_ALIAS}
"""
ALL_NAMES = f"""
MATCH (t:LoreTimeline)-[:ALIAS]->(r:LoreRef) WHERE {PERMITTED}
AND ($kinds IS NULL OR split(r.id, ':')[0] IN $kinds)
AND EXISTS {{ MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE} }}
RETURN DISTINCT t.name
"""

# -- reading: texts

PASSAGES_OF = f"""
UNWIND $ids AS n
MATCH (r:LoreRef) WHERE id(r)=n
MATCH (r)<-[:PASSAGE]-(t:LoreTimeline)-[:HAS]->(v:LoreVersion)-[:SAYS]->(x:LoreText)
WHERE {PERMITTED} AND {VISIBLE}
RETURN DISTINCT x.number
"""
HITS_BY_NUMBER = f"""
UNWIND $keys AS key
MATCH (x:LoreText {{number: key}})<-[:SAYS]-(v:LoreVersion)<-[:HAS]-(t:LoreTimeline)-[:PASSAGE]->(r:LoreRef)
WHERE {PERMITTED} AND {VISIBLE}
RETURN x.number, {_REF.format("r")}, t.type, t.label, t.scope, id(t), {TEXT_ROW}
"""

# -- reading: vectors

_OF_KIND = "($kinds IS NULL OR split(r.id, ':')[0] IN $kinds)"
_SAID = f"""
MATCH (x:LoreText {{hash: n.hash}})<-[:SAYS]-(v:LoreVersion)<-[:HAS]-(t:LoreTimeline)-[:PASSAGE]->(r:LoreRef)
WHERE {PERMITTED} AND {VISIBLE} AND {_OF_KIND}
RETURN DISTINCT x.number, n.hash"""
STAMP = """
MATCH (c:LoreClock {id: 1}) MATCH (p:LorePublished)
RETURN c.embedder, c.dimension, p.record, p.purges, coalesce(c.vectors, 0), COUNT { MATCH (:LoreVector) }
"""
SET_STAMP = "MATCH (c:LoreClock {id: 1}) SET c.embedder = $embedder, c.dimension = $dimension"
VECTOR_INDEX_DIMENSION = """
SHOW VECTOR INDEXES YIELD name, options WHERE name = 'lore_vectors'
RETURN toInteger(options.indexConfig['vector.dimensions'])
"""
DROP_VECTOR_INDEX = "DROP INDEX lore_vectors IF EXISTS"
VECTOR_INDEX = "CREATE VECTOR INDEX lore_vectors IF NOT EXISTS FOR (n:LoreVector) ON n.embedding OPTIONS $options"
WRITE_VECTORS = """
MATCH (c:LoreClock {id: 1}) SET c.vectors = coalesce(c.vectors, 0) + 1
WITH c UNWIND $rows AS row
MERGE (n:LoreVector {hash: row[0]}) SET n.data = row[1], n.embedding = row[2]
"""
ALL_VECTORS = "MATCH (n:LoreVector) RETURN n.hash, n.data"
NEAREST = f"""
CALL db.index.vector.queryNodes('lore_vectors', $count, $vector) YIELD node AS n
{_SAID}, n.data
"""
VISIBLE_VECTORS = f"MATCH (n:LoreVector) {_SAID}"
MISSING_VECTORS = f"""
MATCH (x:LoreText) WHERE NOT EXISTS {{ MATCH (:LoreVector {{hash: x.hash}}) }}
MATCH (x)<-[:SAYS]-(v:LoreVersion) WHERE {VISIBLE}
WITH x.hash AS hash, max(v.valid_from) AS newest, head(collect(x)) AS one
ORDER BY newest DESC, hash LIMIT $rows
RETURN hash, one.text
"""

# -- purge

ADD_TOMBSTONES = """
MATCH (c:LoreClock {id: 1}) MATCH (p:LorePublished)
SET c.purges = c.purges + 1, p.purges = p.purges + 1
CREATE (:LorePurge {number: c.purges, reason: $reason})
FOREACH (digest IN $digests | MERGE (:LoreTombstone {digest: digest}))
"""
SALT = "MATCH (c:LoreClock {id: 1}) RETURN c.salt"
TIMELINES_OF_REFS = "MATCH (r:LoreRef) WHERE r.id IN $refs MATCH (r)<--(t:LoreTimeline) RETURN DISTINCT id(t)"
TIMELINES_OF_FACT = f"""
MATCH (r:LoreRef {{id: $ref}})<-[a:ENTITY|ALIAS|PASSAGE|SRC|SAME_SRC]-(t:LoreTimeline)
WHERE type(a) IN $relationships AND coalesce(t.type, '') = $type AND coalesce(t.discriminator, '') = $discriminator
OPTIONAL MATCH (t)-[:DST|SAME_DST]->(o:LoreRef)
WITH t, coalesce({_REF.format("o")}, t.name, '') AS other WHERE other = $other
RETURN DISTINCT id(t)
"""
TIMELINES_OF_SCOPE = """
MATCH (s:LoreScope) WHERE ($source IS NULL OR s.source = $source) AND ($name IS NULL OR s.name = $name)
MATCH (t:LoreTimeline {scope: s.number}) RETURN id(t)
"""
TEXTS_OF_TIMELINES = """
UNWIND $timelines AS n
MATCH (t:LoreTimeline) WHERE id(t) = n
MATCH (t)-[:HAS]->(:LoreVersion)-[:SAYS]->(x:LoreText)
RETURN DISTINCT t.label, x.number, x.hash, x.text
"""
DELETE_TIMELINES = """
UNWIND $timelines AS n
MATCH (t:LoreTimeline) WHERE id(t) = n
MATCH (t)-->(r:LoreRef)
WITH collect(DISTINCT t) AS timelines, collect(DISTINCT id(r)) AS refs
UNWIND timelines AS t
MATCH (t)-[:HAS]->(v:LoreVersion)
OPTIONAL MATCH (v)-[:SAYS]->(x:LoreText)
WITH refs, timelines, collect(DISTINCT v) AS versions, collect(DISTINCT x) AS texts
WITH refs, timelines, versions, texts, size(versions) AS count
FOREACH (x IN texts | DETACH DELETE x)
FOREACH (v IN versions | DETACH DELETE v)
FOREACH (t IN timelines | DETACH DELETE t)
RETURN count, refs
"""
DELETE_BARE_REFS = """
UNWIND $refs AS n
MATCH (r:LoreRef) WHERE id(r) = n AND NOT EXISTS { MATCH (r)--() }
DELETE r
"""
DELETE_BARE_VECTORS = """
MATCH (c:LoreClock {id: 1}) SET c.vectors = coalesce(c.vectors, 0) + 1
WITH c UNWIND $hashes AS hash
MATCH (n:LoreVector {hash: hash}) WHERE NOT EXISTS { MATCH (:LoreText {hash: hash}) }
DELETE n
"""
UNCOUNT_TEXTS = """
UNWIND $rows AS row
MATCH (n:LoreLabel {id: row[0]})
SET n.passages = n.passages - row[1], n.tokens = n.tokens - row[2]
"""
DELETE_POSTINGS = "UNWIND $rows AS row MATCH (p:LorePosting {term: row[0], part: row[1]}) DELETE p"

# -- status and dump

ALL_LABELS = "MATCH (t:LoreTimeline) RETURN DISTINCT t.label"

COUNT_ENTITIES = f"""
MATCH (t:LoreTimeline)-[:ENTITY]->(r:LoreRef)
WHERE {PERMITTED} AND EXISTS {{ MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE} }}
RETURN split(r.id, ':')[0] AS kind, count(DISTINCT r) ORDER BY kind
"""
COUNT_RELATIONS = f"""
MATCH (a:LoreRef)<-[:SRC|SAME_SRC]-(t:LoreTimeline)-[:DST|SAME_DST]->(b:LoreRef)
WHERE {PERMITTED} AND EXISTS {{ MATCH (t)-[:HAS]->(v:LoreVersion) WHERE {VISIBLE} }}
WITH DISTINCT a, b, t.type AS type, t.discriminator AS discriminator
RETURN type, count(*) ORDER BY type
"""
COUNT_PASSAGES = f"""
MATCH (x:LoreText)<-[:SAYS]-(v:LoreVersion)<-[:HAS]-(t:LoreTimeline) WHERE {PERMITTED} AND {VISIBLE}
OPTIONAL MATCH (n:LoreVector {{hash: x.hash}})
RETURN count(DISTINCT x), count(DISTINCT CASE WHEN n IS NULL THEN x.hash END)
"""
SCOPE_STATUS = """
MATCH (s:LoreScope) WHERE s.batches > 0
RETURN s.source, s.name, s.cursor, s.last_applied_at, s.fresh_until, s.batches, s.quarantined ORDER BY s.source, s.name
"""
QUARANTINE = """
MATCH (q:LoreQuarantine) WHERE q.record <= $record
WITH q ORDER BY q.record DESC, q.place DESC LIMIT $rows
MATCH (s:LoreScope) WHERE s.number = q.scope
RETURN s.source, s.name, q.locator, q.reason, q.record ORDER BY q.record DESC, q.place DESC
"""
DUMP_BATCHES = """
MATCH (b:LoreBatch) WHERE b.record <= $record
MATCH (s:LoreScope) WHERE s.number = b.scope
RETURN b.record, coalesce(b.long, b.id), s.source, s.name, b.extractor
"""
DUMP_SCOPES = "MATCH (s:LoreScope) RETURN s.source, s.name, s.cursor, s.fresh_until"
DUMP_SNAPSHOTS = """
MATCH (n:LoreSnapshot) WHERE n.record <= $record
MATCH (s:LoreScope) WHERE s.number = n.scope
RETURN s.source, s.name, n.taken_at, n.generation
"""
DUMP_PURGES = "MATCH (p:LorePurge) RETURN p.number, p.reason"
DUMP_TIMELINES = "MATCH (t:LoreTimeline) RETURN id(t)"
DUMP_VERSIONS = f"""
UNWIND $timelines AS n
MATCH (t:LoreTimeline) WHERE id(t) = n
MATCH (t)-[a:ENTITY|ALIAS|PASSAGE|SRC|SAME_SRC]->(r:LoreRef)
OPTIONAL MATCH (t)-[:DST|SAME_DST]->(o:LoreRef)
MATCH (t)-[:HAS]->(v:LoreVersion) WHERE v.recorded_at <= $record
OPTIONAL MATCH (v)-[:SAYS]->(x:LoreText)
RETURN n, t.scope, type(a), {_REF.format("r")}, t.type, coalesce({_REF.format("o")}, t.name), t.discriminator, t.label,
  v.recorded_at, v.superseded_at, {ROW.replace("v.body", "coalesce(x.text, v.body)")}
ORDER BY n
"""
