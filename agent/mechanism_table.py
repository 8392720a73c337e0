"""The declared failure modes: kind of attribute × sort of thing × direction of the change -> how that shows, and how well it fits each symptom.

General knowledge of operations, not of any one company. `fits` names classes of symptom with a fitness between 0 and 1: how readily one who
sees the symptom would blame such a change, were it the only one. A class that is not named fits badly (`NOT_NAMED`).

A mechanism is a template with {target}, {attribute}, {before} and {after}; it goes after the sentence that tells what changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast, get_args

from agent.incident import SymptomClass

UNKNOWN = 0.3
"""Fit of what the table does not know: neither here nor there."""
NOT_NAMED = 0.14
"""Fit of a symptom that a known sort of change is not known to cause."""
HARMLESS = 0.06
"""Fit of what cannot matter to running systems: tags, descriptions, alarms, wording."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One failure mode.

    Attributes:
        kind: kind of attribute (`agent.attribute_kinds`), `whole` for the thing itself, `code` for program text.
        groups: sorts of things (`agent.resource_groups`) that it is about; empty means any.
        directions: what became of the attribute; empty means anything.
        fits: class of symptom -> fitness.
        mechanism: how it breaks, a clause.
        expects: what one would expect to see.
    """

    kind: str
    groups: frozenset[str]
    directions: frozenset[str]
    fits: Mapping[SymptomClass, float]
    mechanism: str
    expects: str


_ROWS: tuple[tuple[str, str, str, str, str, str], ...] = (
    # (kind, groups, directions, fits, mechanism, what one would expect to see)
    # -- time limits
    ("timeout", "", "lowered", "timeouts .95 errors .8 latency .5 queue_lag .6 unavailable .5 build .5 data .35", "calls that take longer than {after} are cut off although the other side is only as slow as before", "timeouts at just that duration from the moment of the change, and no change in how fast the other side answers"),
    ("timeout", "", "raised", "latency .65 connections .65 timeouts .45 queue_lag .45 errors .4 oom .3 cpu .25 unavailable .35 cost .2", "callers wait longer for a slow dependency and hold their threads and connections meanwhile", "rising latency and connections in use while the dependency is slow"),
    ("timeout", "", "removed disabled", "latency .6 connections .65 timeouts .5 queue_lag .5 unavailable .45 errors .4", "without a limit calls to a slow dependency hang, and what waits piles up", "threads or connections stuck on one dependency"),
    ("timeout", "", "added replaced changed enabled", "timeouts .85 errors .65 latency .5 queue_lag .5 unavailable .4 connections .35", "calls are cut off after another time than before", "timeouts of one duration since the change"),
    ("timeout", "function schedule", "lowered", "timeouts .95 errors .75 queue_lag .65 data .45 build .5", "runs that need longer are killed half way and tried again", "task timed out after exactly the new limit"),
    ("timeout", "database", "lowered", "timeouts .9 errors .75 latency .35 data .3", "longer statements are cancelled", "cancelled statements in the database's log"),
    ("idle_timeout", "", "lowered replaced changed", "errors .75 timeouts .65 unavailable .6 refused .6 latency .35 connections .4", "connections are closed that the other side still takes for open", "sporadic 502 or resets without a pattern in what was asked"),
    ("idle_timeout", "", "raised added removed", "connections .6 errors .35 refused .35 latency .25 unavailable .3", "idle connections are kept longer and fill up what may be open", "more open connections at the same traffic"),
    ("retry", "", "raised added enabled", "throttled .7 latency .65 cpu .5 connections .5 queue_lag .5 errors .4 timeouts .4 cost .4 unavailable .4 data .35", "every failure is now asked several times, which multiplies the load where it is already too much", "more requests downstream than upstream"),
    ("retry", "", "lowered removed disabled", "errors .75 data .5 queue_lag .45 timeouts .45 unavailable .4 build .35", "failures that a repetition used to hide reach the caller", "single failed calls without a second attempt"),
    ("retry", "", "replaced changed", "errors .5 latency .5 throttled .45 timeouts .4 unavailable .4", "failures are repeated in another way", "another rate of repeated calls"),
    ("draining", "", "lowered removed disabled", "errors .75 unavailable .55 refused .55 timeouts .4", "instances are taken away while they still answer requests", "errors in bursts, at each deployment or scaling in"),
    ("draining", "", "raised added enabled replaced changed", "build .4 latency .25 errors .3 unavailable .25 cost .2", "instances linger before they go", "slow deployments"),
    ("visibility_timeout", "", "lowered replaced changed", "queue_lag .8 data .75 errors .45 cost .35 throttled .3 cpu .3", "messages come back while they are still being worked on, and are done twice", "receives far above sends, messages handled more than once"),
    ("visibility_timeout", "", "raised", "queue_lag .8 latency .55 data .35 errors .3", "a message whose consumer died is hidden for longer before anybody tries it again", "messages in flight that stay there"),
    # -- health checks
    ("health_check_path", "", "", "errors .9 unavailable .95 crash_loop .6 build .5 timeouts .35 refused .3", "a path or port that does not answer as expected marks healthy targets unhealthy, which shows as 502/503 or endless restarts", "targets go unhealthy at once after the change, with the application well when asked directly"),
    ("health_check_match", "", "", "errors .8 unavailable .9 build .45 crash_loop .4", "answers that used to count as healthy no longer do", "health checks fail with a code that is not in the list"),
    ("health_check_timing", "", "lowered", "unavailable .85 errors .7 crash_loop .8 timeouts .4 latency .35 build .4", "slow starts or short pauses are now enough to be declared dead", "targets or pods flap between healthy and not"),
    ("health_check_timing", "", "raised added", "errors .6 unavailable .5 timeouts .45 latency .35 build .35", "dead targets are kept in service for longer", "a share of requests fails until the target is noticed"),
    ("health_check_timing", "", "removed replaced changed", "unavailable .7 errors .6 crash_loop .65 build .35", "health is judged by another rhythm", "targets flap"),
    ("health_check", "", "added enabled replaced changed created", "unavailable .85 errors .75 crash_loop .75 build .5", "what the new check asks is not answered as it expects", "targets unhealthy from the change on"),
    ("health_check", "", "removed disabled deleted lowered", "errors .75 unavailable .6 timeouts .5 latency .3", "requests go to targets that are not ready or already dead", "errors during starts and deployments"),
    # -- limits that are reached
    ("pool", "", "lowered", "connections .97 timeouts .85 latency .8 errors .75 queue_lag .55 unavailable .55", "the smaller pool is used up by the same traffic, so requests wait for a connection or fail", "waits for a connection, with the database idle"),
    ("pool", "", "raised added", "connections .9 errors .6 refused .6 latency .5 unavailable .45 cpu .35 oom .35 timeouts .4", "every instance now opens more connections than the other side takes in all", "the database refuses connections, more with more instances"),
    ("pool", "", "removed disabled replaced changed", "connections .85 latency .55 timeouts .6 errors .55 unavailable .4", "connections are shared in another way", "another number of open connections at the same traffic"),
    ("max_connections", "", "lowered", "connections .97 refused .75 errors .75 unavailable .55 timeouts .55 latency .4 queue_lag .35", "connections beyond the lower limit are refused", "'too many connections' at just that number"),
    ("max_connections", "", "raised added", "oom .6 latency .45 cpu .45 connections .4 disk .2 errors .3", "more connections are let in than memory and processor carry", "memory that grows with connections"),
    ("max_connections", "", "removed replaced changed disabled", "connections .8 refused .5 errors .5 latency .4", "another number of connections is allowed", "refused connections at another number"),
    ("rate_limit", "", "lowered added enabled", "throttled .97 errors .75 unavailable .5 access_denied .4 queue_lag .4 data .25 latency .35 timeouts .3", "requests above the tighter limit are turned away", "429 or 503 in proportion to the traffic"),
    ("rate_limit", "", "raised removed disabled", "latency .6 cpu .6 connections .45 oom .4 cost .45 unavailable .4 errors .4 throttled .45 timeouts .4 queue_lag .3", "traffic that used to be held back now reaches what is behind", "load behind the limit that grows from the change on"),
    ("rate_limit", "", "replaced changed", "throttled .85 errors .5 unavailable .35 access_denied .3", "requests are limited in another way", "refusals with 'rate exceeded'"),
    ("concurrency", "", "lowered removed disabled", "throttled .8 queue_lag .85 latency .75 timeouts .7 errors .5 unavailable .45 build .4", "fewer things are done at a time, so that work queues", "queueing with the processor idle"),
    ("concurrency", "", "raised added enabled", "connections .75 cpu .6 oom .65 latency .5 throttled .55 errors .45 queue_lag .3 disk .25 timeouts .4 data .4", "more is done at a time than memory, connections or what lies behind can carry", "resources used up in step with the parallel work"),
    ("concurrency", "", "replaced changed", "throttled .55 queue_lag .5 latency .5 connections .4 errors .35 oom .35", "another amount of work is done at a time", "another number of things at a time"),
    ("capacity_units", "", "lowered removed disabled", "throttled .97 latency .7 errors .65 timeouts .55 queue_lag .6 data .25", "the table or stream takes less than is asked of it", "throttled reads or writes at the new limit"),
    ("capacity_units", "", "raised added enabled", "cost .85 throttled .2", "more is provisioned than is used", "cost that rises with provisioned units"),
    ("capacity_units", "", "replaced changed", "throttled .8 cost .65 latency .45 errors .35", "throughput is provisioned in another way", "throttling, or another bill"),
    ("resource_quota", "", "lowered added enabled created", "unscheduled .95 throttled .6 build .55 unavailable .4 errors .3", "what goes beyond the quota is not created any more", "'exceeded quota' in events"),
    ("resource_quota", "", "raised removed replaced changed disabled", "unscheduled .45 cost .4 oom .35 cpu .35", "another amount may be asked for", "nodes that are packed differently"),
    # -- memory and processor
    ("memory", "", "lowered removed", "oom .97 crash_loop .9 errors .65 unavailable .65 latency .5 timeouts .45 build .4 queue_lag .45", "the process needs more than it is now given and is killed", "OOMKilled, restarts, memory flat at the new limit just before"),
    ("memory", "workload container scheduling", "raised added", "unscheduled .8 cost .5 build .35 unavailable .4 oom .3", "the larger request no longer fits on the nodes", "pods pending for insufficient memory"),
    ("memory", "", "raised added", "oom .5 cost .5 crash_loop .3 disk .2 latency .25", "more memory is promised than there is", "the host runs out of memory"),
    ("memory", "", "replaced changed enabled", "oom .8 crash_loop .6 latency .35 errors .35 cost .3 unavailable .35", "memory is limited in another way", "restarts for want of memory"),
    ("cpu", "", "lowered removed disabled", "cpu .95 latency .9 timeouts .75 errors .5 unavailable .5 crash_loop .45 queue_lag .6", "the process is held back by its lower share of the processor", "CPU throttling, with usage flat at the limit"),
    ("cpu", "workload container scheduling", "raised added", "unscheduled .8 cost .5 build .35 unavailable .35", "the larger request no longer fits on the nodes", "pods pending for insufficient cpu"),
    ("cpu", "", "raised added replaced changed enabled", "cost .45 cpu .45 latency .3 unscheduled .4", "another share of the processor is given", "other usage at the same traffic"),
    ("ephemeral_storage", "", "lowered added", "disk .9 crash_loop .65 unavailable .5 errors .4 unscheduled .45", "pods are evicted when they write more than that", "evicted pods"),
    ("instance_type", "database cache", "lowered replaced changed", "latency .85 cpu .8 timeouts .7 oom .65 connections .7 errors .5 disk .3 unavailable .5 throttled .35 queue_lag .4", "another size has another processor, memory and number of connections, and changing it restarts", "saturation of the new size, or a short outage at the change"),
    ("instance_type", "", "", "latency .7 cpu .8 oom .65 unscheduled .55 cost .6 unavailable .45 errors .4 timeouts .5 throttled .4 disk .25 queue_lag .4", "another size of machine has another processor, memory and network, and may not be available", "saturation, capacity errors, or another bill"),
    ("replicas", "", "lowered removed", "latency .85 unavailable .85 cpu .85 errors .75 timeouts .75 queue_lag .8 oom .6 connections .4 throttled .4", "the same traffic falls on fewer instances", "load per instance up by the same factor"),
    ("replicas", "", "raised added", "connections .8 cost .75 unscheduled .65 throttled .55 refused .35 cpu .3 latency .3 oom .25 errors .3 disk .2", "more instances open more connections and ask for more room", "connections and bills that grow with the number of instances"),
    ("replicas", "", "replaced changed enabled disabled", "unavailable .6 latency .5 cpu .45 errors .4 queue_lag .45 cost .35 unscheduled .4", "another number of instances runs", "load per instance changes by a step"),
    ("replicas_min", "", "lowered removed", "latency .75 unavailable .6 errors .5 timeouts .6 cpu .55 queue_lag .55", "fewer instances are there when traffic rises", "a shortage at the beginning of each rise"),
    ("replicas_min", "", "raised added", "cost .8 unscheduled .55 connections .5", "more instances run all the time", "cost that does not fall at night"),
    ("replicas_max", "", "lowered added", "unscheduled .9 latency .85 unavailable .65 errors .6 timeouts .75 cpu .85 queue_lag .8 throttled .5", "scaling stops at the lower bound while the load goes on rising", "instances flat at the maximum"),
    ("replicas_max", "", "raised removed", "cost .8 connections .7 throttled .5 unscheduled .45 refused .3", "scaling goes further than what is behind carries", "connections that grow with instances"),
    ("scaling_target", "", "", "latency .65 cpu .7 cost .6 unscheduled .65 timeouts .5 errors .4 queue_lag .6 unavailable .45", "instances are added later, or taken away earlier, than the load asks for", "load per instance at another level"),
    # -- where requests go
    ("port", "", "", "refused .95 errors .85 unavailable .9 timeouts .7 crash_loop .5 build .35 tls .3", "one side talks to {after}, the other listens somewhere else", "connection refused at that port, from the change on"),
    ("protocol", "", "", "errors .85 unavailable .7 tls .75 refused .65 timeouts .5 latency .2", "the two sides no longer speak the same protocol", "resets or 400 at once, for every request"),
    ("routing", "", "added enabled raised lowered replaced changed removed disabled", "errors .85 data .55 unavailable .7 latency .35 access_denied .4 authentication .35 queue_lag .45 timeouts .4", "requests match another rule than before and reach the wrong place, or none", "errors for the paths or hosts that the rule names, and none elsewhere"),
    ("routing_target", "", "", "errors .9 unavailable .85 refused .55 timeouts .65 data .6 latency .45 access_denied .35 queue_lag .35 tls .35 dns .25 authentication .35", "requests go to {after}, which does not answer them as the former one did", "traffic that moves from one target to the other at the change"),
    ("traffic_weight", "", "", "errors .75 latency .65 unavailable .6 timeouts .55 cpu .55 data .4 cost .2", "a share of the traffic moves to what cannot carry it, or to another version", "errors in proportion to the weight"),
    ("stickiness", "", "", "authentication .65 errors .5 data .45 latency .45 cpu .4", "users change between instances that do not know them, or pile up on a few", "lost sessions, uneven load"),
    ("cross_zone", "", "lowered removed disabled", "errors .6 timeouts .65 unavailable .65 latency .55 refused .6 cpu .4 unscheduled .5", "a zone or subnet is no longer served, or carries the load alone", "failures from one zone only"),
    ("cross_zone", "", "raised added enabled replaced changed", "timeouts .65 refused .6 unavailable .55 errors .5 unscheduled .5 latency .45 cost .45 dns .25", "what runs there lacks a route or an address, or traffic crosses zones", "failures from the new zone only"),
    ("endpoint", "", "", "refused .85 errors .8 dns .75 timeouts .75 unavailable .75 access_denied .5 authentication .55 data .6 queue_lag .65 crash_loop .6 tls .5 latency .4 connections .35", "it now talks to {after}, which is not there, not allowed or not the same", "failing connections to that name, from the change on"),
    ("headers", "", "", "errors .75 access_denied .6 authentication .55 data .35 unavailable .25", "browsers or servers refuse what is sent with these headers or this size", "4xx from some clients only"),
    # -- names, certificates
    ("dns_value", "", "", "dns .95 unavailable .8 refused .75 timeouts .7 tls .65 errors .65 data .4 queue_lag .35 authentication .3 latency .35", "the name leads to {after} instead of {before}", "failures that begin as caches run out, and not where the address is known"),
    ("dns_ttl", "", "", "dns .55 latency .35 refused .3 unavailable .35 timeouts .3 cost .2 throttled .3 errors .25", "names are kept longer, or asked for more often, than is good", "old addresses still in use, or many lookups"),
    ("dns_resolver", "", "", "dns .95 timeouts .7 latency .65 refused .55 errors .6 unavailable .6 crash_loop .3", "names are asked of another resolver, or in another order", "lookups that fail or take seconds from the change on"),
    ("certificate", "", "", "tls .97 errors .65 unavailable .65 refused .5 authentication .45 timeouts .2 access_denied .25 build .25 queue_lag .3", "clients get a certificate that does not cover the name, is out of date, or is not trusted", "handshakes that fail from the change on"),
    ("tls_policy", "", "", "tls .95 errors .6 refused .65 unavailable .5 authentication .35 access_denied .3 timeouts .2 connections .25 latency .15", "clients that speak older or other ciphers are turned away, or encryption is asked of those who have none", "handshake failures of some clients only"),
    # -- permissions and networks
    ("permission", "", "removed lowered replaced changed disabled", "access_denied .97 errors .65 authentication .6 unavailable .4 queue_lag .55 build .6 crash_loop .45 data .4 disk .1 throttled .1 timeouts .15 unscheduled .4", "a call that used to be allowed is now denied", "AccessDenied for one principal and one action, from the change on"),
    ("permission", "", "added raised enabled", "access_denied .6 data .35 authentication .4 cost .2 errors .35 build .3 queue_lag .2", "what is granted anew may hold a denial or a condition, or lets in what should stay out", "denials with an explicit reason, or unexpected callers"),
    ("public_access", "", "", "access_denied .9 refused .75 errors .6 unavailable .65 timeouts .65 data .35 build .3 dns .25", "those outside can no longer reach it, or only another way", "callers from outside fail, those inside do not"),
    ("network_rule", "network_rule waf", "removed lowered disabled", "timeouts .92 refused .93 unavailable .85 errors .75 latency .35 access_denied .55 queue_lag .6 dns .5 crash_loop .45 data .4 connections .3 build .4 authentication .35", "what {before} let in is now stopped", "connections from there time out from that moment, all others work"),
    ("network_rule", "network_rule waf", "replaced changed", "timeouts .85 refused .88 unavailable .8 errors .7 access_denied .6 queue_lag .55 dns .45 crash_loop .35 data .35 build .35 latency .3 authentication .35", "traffic that the former rule let in may be stopped by the new one", "connections from a part of the network time out"),
    ("network_rule", "waf", "added raised enabled created", "access_denied .9 errors .7 unavailable .5 throttled .6 authentication .35 refused .4 data .3 timeouts .2", "requests that the new rule takes for attacks are blocked", "403 for certain requests only, none in the application's own log"),
    ("network_rule", "network_rule", "added raised enabled", "refused .3 timeouts .3 unavailable .25 errors .2 access_denied .2 latency .15", "an allowance more stops nothing; only a denial or another order would", "nothing, unless the rule denies"),
    ("network_rule", "", "", "timeouts .85 refused .85 unavailable .75 errors .6 access_denied .55 queue_lag .5 dns .35 latency .3 connections .3", "it now stands behind other network rules than its callers expect", "connections time out from the change on"),
    ("route", "", "", "timeouts .9 refused .9 unavailable .85 errors .65 dns .55 latency .55 queue_lag .5 unscheduled .4 build .4 crash_loop .3 cost .35", "packets take another way, or none", "everything behind that way fails at once"),
    ("credential", "", "", "authentication .95 access_denied .7 errors .65 crash_loop .6 refused .35 queue_lag .5 build .6 unavailable .5 connections .35 tls .3 data .25", "those who still use the former secret, or read it where it no longer is, are not let in", "logins that fail from the change on, more after each restart"),
    ("auth_provider", "", "", "authentication .95 access_denied .7 errors .6 unavailable .4 latency .2", "tokens are issued or checked in another way, so that valid ones are refused", "401 for tokens of one issuer"),
    ("encryption_key", "", "", "access_denied .85 errors .6 data .6 unavailable .5 authentication .35 build .35 disk .2 queue_lag .45 latency .15", "who may read the data may not use the key", "KMS denials beside allowed reads"),
    # -- data and storage
    ("storage_size", "", "lowered removed", "disk .97 errors .55 unavailable .6 data .5 latency .35 crash_loop .45", "there is less room than what is to be stored", "'no space left', or a full volume"),
    ("storage_size", "", "raised added replaced changed", "disk .4 latency .55 cost .55 unavailable .3 errors .2", "while a volume grows it is slower, and it costs more", "slow storage for hours after the change"),
    ("iops", "", "lowered replaced changed removed", "latency .9 disk .85 timeouts .7 queue_lag .6 cpu .35 errors .45 cost .35 connections .4 unavailable .35", "storage answers more slowly when its operations are used up", "I/O wait, queue depth, a burst balance at zero"),
    ("iops", "", "raised added enabled", "cost .7 latency .25 disk .25", "more operations are paid for", "another bill"),
    ("retention", "", "lowered added enabled", "data .9 errors .3 disk .15 queue_lag .45 cost .1", "what is older than {after} is deleted", "objects or messages that vanish by age"),
    ("retention", "", "raised removed disabled", "disk .9 cost .8 latency .3 oom .25", "nothing, or less, is deleted any more", "storage that grows without end"),
    ("retention", "", "replaced changed", "data .8 disk .65 cost .55 queue_lag .3 errors .2", "things are kept for another time", "content that vanishes, or storage that fills"),
    ("versioning", "", "", "data .55 cost .55 disk .35 errors .2", "earlier versions are kept, or no longer", "storage that grows, or deletions that cannot be undone"),
    ("replication", "", "", "data .85 latency .6 unavailable .6 errors .45 connections .35 disk .35 cost .45 timeouts .35", "copies lag, differ or are no longer there when they are needed", "replication lag, stale reads"),
    ("schema", "", "removed deleted replaced changed lowered", "data .92 errors .88 crash_loop .55 latency .55 unavailable .5 queue_lag .55 timeouts .4 build .3", "code that still expects the former columns or fields fails", "'unknown column', 'does not exist' or broken messages from the migration on"),
    ("schema", "", "added raised enabled created", "latency .75 errors .65 data .6 timeouts .65 cpu .5 disk .5 unavailable .5 connections .5 queue_lag .5", "the migration locks or rewrites a table while it is in use, or code meets fields it does not know", "lock waits during the migration"),
    ("db_parameters", "", "", "latency .75 cpu .6 connections .65 oom .6 errors .55 disk .5 timeouts .55 data .45 unavailable .45 tls .25 authentication .2", "the database plans, caches or limits in another way", "another load for the same statements, often after a restart"),
    ("engine_version", "", "", "errors .65 unavailable .65 latency .6 cpu .5 authentication .45 tls .4 connections .45 crash_loop .5 data .45 timeouts .45 build .45 refused .4 unscheduled .35 dns .3 oom .3 disk .25 access_denied .25 queue_lag .35", "the new version restarts it and behaves differently: plans, protocols, defaults, clients it still takes", "a short outage, then other behaviour for the same input"),
    # -- caches and queues
    ("cache_ttl", "", "lowered removed disabled", "latency .75 cpu .65 throttled .55 connections .55 timeouts .5 cost .5 errors .35 unavailable .35", "what used to come from the cache is asked for anew", "hit rate down, load behind it up"),
    ("cache_ttl", "", "raised added enabled replaced changed", "data .9 errors .3 authentication .3 disk .25 oom .25 access_denied .2", "old content is served for longer", "content that stays as it was after a change"),
    ("cache_behaviour", "", "", "latency .7 data .75 cpu .5 errors .4 throttled .4 cost .4 connections .4 oom .3 authentication .35", "requests miss the cache, or get what was meant for others", "another hit rate from the change on"),
    ("cache_nodes", "", "lowered removed", "latency .9 oom .65 cpu .7 timeouts .7 connections .6 errors .6 data .4 throttled .4 unavailable .5", "a smaller cache holds less, so more is asked of what lies behind", "evictions up, hit rate down, load on the database up"),
    ("cache_nodes", "", "raised added replaced changed", "latency .4 cost .6 data .3 errors .3 unavailable .3 connections .35", "keys move between nodes", "misses for a while, another bill"),
    ("eviction", "", "", "data .6 oom .75 errors .6 latency .55 authentication .35", "a full cache drops other things than before, or refuses writes", "evicted keys or 'OOM command not allowed'"),
    ("dead_letter", "", "", "queue_lag .75 data .65 errors .35 cost .15", "messages are given up earlier, or never", "messages in the dead letter queue, or one that blocks all others"),
    ("consumer", "", "lowered removed disabled", "queue_lag .92 data .6 latency .5 errors .4 timeouts .3", "messages are fetched more slowly, or no longer at all", "a queue that grows at unchanged input"),
    ("consumer", "", "raised added enabled replaced changed", "queue_lag .8 timeouts .5 oom .5 errors .5 data .6 throttled .4 cpu .35 latency .4", "other messages, or more at a time, reach the consumer than it expects", "failed or unhandled messages from the change on"),
    ("schedule", "", "removed disabled lowered replaced changed", "data .75 queue_lag .65 build .65 disk .5 errors .3 tls .35 authentication .3 cost .2", "a job no longer runs when it is needed", "the last run lies before the change"),
    ("schedule", "", "added raised enabled created", "cpu .6 latency .55 cost .5 queue_lag .45 throttled .5 connections .45 disk .4 build .45 data .35 oom .35", "the job runs more often, or beside others", "peaks of load in the rhythm of the schedule"),
    # -- what runs
    ("image", "", "", "errors .72 crash_loop .8 latency .6 unavailable .65 data .55 oom .6 cpu .58 timeouts .55 connections .5 queue_lag .55 refused .42 authentication .42 access_denied .42 throttled .4 build .5 tls .25 dns .2 disk .35 cost .25 unscheduled .3", "the new version behaves differently", "the symptom begins with the first instance of the new version and is gone on the old one"),
    ("image_pull", "", "", "build .8 crash_loop .75 unavailable .65 unscheduled .45 throttled .35 authentication .4 access_denied .4", "the image can no longer be fetched", "ImagePullBackOff on new instances, old ones run on"),
    ("code", "", "", "errors .7 data .6 latency .58 crash_loop .65 timeouts .5 cpu .55 oom .55 connections .45 queue_lag .55 authentication .42 access_denied .4 unavailable .55 throttled .4 build .6 refused .35 disk .3 tls .2 dns .2 cost .25 unscheduled .15", "the code does something else than before", "the symptom begins with the first instance that runs it"),
    ("runtime", "", "", "crash_loop .8 errors .75 build .7 unavailable .55 latency .4 tls .4 oom .4 cpu .4 timeouts .35", "libraries and code meet another runtime than they were made for", "errors on start or import"),
    ("command", "", "", "crash_loop .9 unavailable .75 errors .6 build .6 refused .5 oom .35 queue_lag .5 timeouts .35 cpu .3 latency .3 data .3 disk .3", "the process starts in another way, or not at all", "restarts with an exit code just after the change"),
    ("dependency", "", "", "errors .65 build .75 crash_loop .65 latency .4 tls .4 data .4 oom .4 timeouts .35 authentication .35 unavailable .45 cpu .35 refused .25 dns .2", "the new version of a library behaves differently", "errors out of that library"),
    ("env_var", "", "", "crash_loop .75 errors .7 unavailable .5 authentication .45 refused .45 data .4 latency .4 timeouts .4 queue_lag .45 access_denied .35 connections .35 build .4", "the program reads {after} where it read {before}", "a difference from the restart on"),
    ("config_data", "", "", "errors .6 crash_loop .6 unavailable .45 data .45 latency .4 timeouts .4 refused .35 queue_lag .4 authentication .35 connections .35 build .35 access_denied .3 throttled .3", "the program is configured differently", "a difference from the reload or restart on"),
    ("config_reference", "", "", "crash_loop .9 unavailable .65 unscheduled .55 errors .55 build .45 data .4 disk .4 authentication .35", "what is mounted is missing or another, so that the process cannot start", "CreateContainerConfigError or FailedMount"),
    ("selector", "", "", "unavailable .95 errors .85 refused .75 timeouts .55 unscheduled .35 build .4", "the selector no longer matches the pods, so nothing stands behind the name", "no endpoints"),
    ("placement", "", "", "unscheduled .97 unavailable .55 latency .45 errors .35 crash_loop .25 cost .35 cpu .3 disk .2", "there is no node that fits, or what is there is taken away", "pods pending for taints, affinity or want of spot capacity"),
    ("rollout", "", "", "unavailable .65 errors .55 build .75 unscheduled .45 latency .35 timeouts .3 refused .35 data .2", "too much is replaced at a time, or the change never arrives", "dips of capacity at each deployment"),
    ("admission", "", "", "build .8 unscheduled .75 unavailable .5 access_denied .55 errors .45 crash_loop .35 timeouts .35", "the cluster turns down or changes what is asked of it", "rejected objects in events"),
    ("namespace", "", "", "access_denied .55 refused .5 dns .55 unavailable .6 errors .5 data .4 build .45 unscheduled .3 latency .35", "it lies elsewhere than the others expect", "names that are not found"),
    ("feature_flag", "", "", "errors .72 latency .58 data .6 cpu .5 unavailable .5 timeouts .5 queue_lag .55 connections .45 oom .45 crash_loop .4 authentication .45 access_denied .4 throttled .45 refused .3 cost .35 disk .25 tls .25 dns .2 build .3", "other code runs from the moment of the switch, without a deployment", "a step at the switch, gone when it is switched back"),
    ("plan_cost", "", "", "cost .95 unscheduled .4", "another price is paid for the same", "a step in cost"),
    ("pipeline", "", "", "build .92 data .2 errors .2 crash_loop .15 unavailable .15 access_denied .3 authentication .3", "the pipeline does other steps, in another order or place", "runs that fail at the changed step"),
    ("list_item", "", "removed", "errors .5 access_denied .5 unavailable .5 refused .45 data .5 dns .4 build .45 queue_lag .4 authentication .35 unscheduled .3", "what was listed is no longer served, allowed or known", "failures for just that entry"),
    ("list_item", "", "added", "errors .45 data .4 unavailable .4 build .5 cpu .25 cost .3 latency .3 access_denied .3 dns .3 unscheduled .3", "the new entry is not what the rest expects", "failures that name the new entry"),
    # -- whole things
    ("whole", "listener", "deleted", "errors .92 unavailable .92 refused .65 data .4 tls .4 timeouts .4", "requests that the rule or listener served have nowhere to go", "404 or 503 for its paths and hosts"),
    ("whole", "listener", "created", "errors .7 unavailable .6 data .4 access_denied .35 latency .25 timeouts .35", "the new rule takes requests that another one used to serve", "errors for the paths that both match"),
    ("whole", "target_group load_balancer", "deleted", "unavailable .95 errors .9 refused .75 timeouts .7 dns .5", "there is nothing left to send requests to", "all requests fail at once"),
    ("whole", "target_group load_balancer", "created", "unavailable .35 errors .35 latency .2 cost .3 dns .2", "traffic moves to what is not ready", "errors from the new one only"),
    ("whole", "network_rule", "deleted", "timeouts .92 refused .92 unavailable .85 errors .75 queue_lag .6 dns .5 access_denied .4 crash_loop .45 connections .3 data .35 build .4", "traffic that it let in is stopped", "connections time out from that moment"),
    ("whole", "network_rule", "created", "timeouts .6 refused .6 unavailable .5 errors .4 dns .4 access_denied .35 queue_lag .35 crash_loop .25", "a new policy stops what it does not name", "connections time out from that moment, when the rule denies"),
    ("whole", "waf", "created", "access_denied .85 errors .65 throttled .55 unavailable .45", "requests that it takes for attacks are blocked", "403 for certain requests"),
    ("whole", "waf", "deleted", "cpu .5 latency .5 throttled .3 cost .3 unavailable .35", "traffic that it held back comes through", "more requests of one sort"),
    ("whole", "network", "deleted", "timeouts .95 refused .92 unavailable .9 dns .6 errors .7 queue_lag .5 build .4 latency .3", "packets have no way any more", "everything behind it fails at once"),
    ("whole", "network", "created", "timeouts .55 refused .55 unavailable .45 latency .4 dns .4 cost .45 errors .3", "packets take the new way", "failures of what lies behind it"),
    ("whole", "dns", "deleted", "dns .97 unavailable .88 refused .65 errors .7 timeouts .6 tls .5 queue_lag .4 authentication .35", "the name no longer resolves", "NXDOMAIN, first where nothing is cached"),
    ("whole", "dns", "created", "dns .7 unavailable .5 refused .45 tls .45 errors .4 timeouts .4", "the new record hides another one, or leads to the wrong place", "another answer for the name"),
    ("whole", "certificate", "deleted", "tls .97 unavailable .75 errors .65 refused .5 authentication .3", "there is no valid certificate for the name any more", "handshakes that fail"),
    ("whole", "certificate", "created", "tls .75 errors .35 unavailable .35 refused .25", "the new certificate does not cover every name, or its chain is not known", "handshakes that fail for some names or clients"),
    ("whole", "permission", "deleted", "access_denied .97 errors .65 authentication .6 build .6 queue_lag .55 crash_loop .45 unavailable .45 data .4 unscheduled .4", "what it allowed is now denied", "AccessDenied from that moment"),
    ("whole", "permission", "created", "access_denied .5 authentication .3 errors .25 data .25 build .25", "it may deny, or stand before what used to allow", "denials with an explicit reason"),
    ("whole", "identity", "deleted", "authentication .97 access_denied .75 errors .6 unavailable .5", "nobody can be recognised by it any more", "all logins fail"),
    ("whole", "database", "deleted", "data .97 errors .9 unavailable .9 refused .8 dns .6 crash_loop .6 timeouts .6 queue_lag .5 connections .4", "the data is no longer there", "connections to it fail at once"),
    ("whole", "database", "created", "data .3 cost .5 connections .2 latency .2", "another database stands beside the first", "cost"),
    ("whole", "cache", "deleted", "latency .92 errors .75 cpu .65 connections .65 refused .75 timeouts .65 unavailable .6 data .4 dns .4 authentication .45", "everything is asked of what lies behind the cache", "load on the database up, or failing connections"),
    ("whole", "queue", "deleted", "queue_lag .75 errors .85 data .85 access_denied .35 unavailable .55", "messages have nowhere to go", "sends that fail"),
    ("whole", "queue", "created", "queue_lag .45 data .35 cost .3 errors .2", "messages go to a second consumer, or to none", "messages that nobody takes"),
    ("whole", "function service workload container", "deleted", "unavailable .95 errors .88 refused .75 queue_lag .7 timeouts .5 data .4 dns .45 build .2", "what answered is gone", "no instance left"),
    ("whole", "function service workload container", "created", "cpu .35 unscheduled .45 cost .5 connections .45 crash_loop .4 errors .3 unavailable .25 data .25 queue_lag .25 throttled .3", "something new takes room, connections and calls", "load that begins with it"),
    ("whole", "instance cluster scheduling", "deleted", "unavailable .85 unscheduled .85 errors .65 latency .6 cpu .6 refused .6 data .5 queue_lag .5 timeouts .5 dns .35", "what ran there has to go elsewhere, or is gone", "fewer nodes or instances"),
    ("whole", "instance cluster scheduling", "created", "cost .6 unscheduled .4 unavailable .25 errors .2", "new machines are paid for, or not fit for what lands on them", "failures on the new machines only"),
    ("whole", "autoscaler", "deleted", "latency .75 unscheduled .8 cpu .75 unavailable .6 timeouts .6 queue_lag .7 cost .4 errors .45", "the number of instances no longer follows the load", "instances flat while load rises"),
    ("whole", "autoscaler", "created", "latency .5 unavailable .5 cost .55 connections .5 cpu .4 unscheduled .5 errors .35", "the number of instances now follows a rule that may take too many away", "instances that come and go"),
    ("whole", "schedule", "deleted", "data .8 queue_lag .65 disk .5 build .5 tls .35", "the job no longer runs", "the last run lies before the change"),
    ("whole", "schedule", "created", "cpu .6 latency .55 cost .5 throttled .5 connections .45 queue_lag .45 data .35 disk .4", "a new job takes its share of what others need", "peaks in its rhythm"),
    ("whole", "secret", "deleted", "authentication .92 access_denied .75 crash_loop .75 errors .7 data .5 unavailable .55 build .5 tls .4 queue_lag .4", "what reads the secret no longer finds it", "failing starts and logins"),
    ("whole", "secret", "created", "authentication .35 access_denied .25 errors .2", "a second secret stands beside the first", "nothing, unless it is used"),
    ("whole", "configuration", "deleted", "crash_loop .85 errors .75 unavailable .65 data .4 build .4", "what reads the configuration no longer finds it", "failing starts"),
    ("whole", "configuration", "created", "errors .4 crash_loop .35 data .3 latency .25 timeouts .25 unavailable .25", "settings apply that were not there before", "a difference from the restart on"),
    ("whole", "storage volume registry", "deleted", "data .97 errors .8 unavailable .7 disk .5 crash_loop .6 build .5 access_denied .5", "what was stored there is gone", "'not found' for what was there"),
    ("whole", "storage volume registry", "created", "cost .5 disk .2 data .2 errors .15", "more is stored", "cost"),
    ("whole", "cdn gateway", "deleted", "unavailable .92 errors .88 dns .6 latency .65 tls .5 data .4 refused .5", "requests have no way in, or go straight to the origin", "all requests from outside fail"),
    ("whole", "cdn gateway", "created", "errors .45 latency .4 data .4 unavailable .4 tls .4 access_denied .35 dns .3", "requests take another way in", "errors that the new door adds"),
    ("whole", "quota", "", "throttled .9 unscheduled .85 errors .4 cost .3", "another limit holds", "refusals at the limit"),
    ("whole", "pipeline", "", "build .85 errors .15", "the pipeline does something else, or nothing", "runs that fail or are missing"),
    ("whole", "", "deleted", "errors .65 unavailable .7 data .6 refused .5 timeouts .45 access_denied .4 crash_loop .45 dns .4 queue_lag .5 build .5 authentication .35 tls .35 unscheduled .35 latency .35", "what others may still use is gone", "'not found' from the moment of the change"),
    ("whole", "", "created", "errors .35 unavailable .3 cost .4 latency .25 data .3 access_denied .25 build .35 dns .25 queue_lag .3 crash_loop .3 unscheduled .3 timeouts .25", "something new may stand in the way of what was there", "a difference from the moment of the change"),
    # -- conditions
    ("expiry", "certificate", "", "tls .98 errors .65 unavailable .7 refused .55 authentication .5 queue_lag .35 timeouts .2 build .3", "clients refuse the connection once the certificate has run out", "handshake failures from exactly that moment, without any change"),
    ("expiry", "", "", "authentication .95 access_denied .75 tls .6 errors .65 unavailable .5 build .55 queue_lag .5 dns .45 crash_loop .4 data .25", "what has run out is no longer accepted", "refusals from exactly that moment, without any change"),
    ("quota", "", "", "throttled .95 unscheduled .9 errors .6 unavailable .5 build .55 queue_lag .55 connections .5 disk .35 latency .4 timeouts .35 data .2", "what goes beyond the limit is refused", "'limit exceeded' answers, usage flat at the quota"),
    ("capacity", "", "", "latency .85 cpu .85 oom .8 disk .85 queue_lag .8 connections .75 timeouts .75 unscheduled .8 throttled .65 unavailable .6 errors .6 crash_loop .5 cost .3", "the load has outgrown what is there", "a slow rise up to a limit, and no change before it"),
    ("external", "", "", "timeouts .75 errors .7 unavailable .75 refused .65 latency .65 dns .55 tls .4 queue_lag .6 authentication .45 throttled .5 data .35 build .45 access_denied .3 crash_loop .2 connections .4", "what others run does not answer as it should", "failures in calls to the outside only, and a notice on the other's status page"),
    # -- what cannot matter to what runs
    ("cosmetic", "", "", "cost .1", "it describes and does nothing", "nothing"),
    ("alarm", "", "", "cost .12", "it changes who is told and when, not what happens", "alerts that fire earlier or later with the system unchanged"),
    ("logging", "", "", "disk .5 cost .55 latency .2 cpu .25 throttled .15 errors .1 oom .15", "other or more lines are written", "volume of logs that changes"),
    ("guard", "", "", "cost .25 latency .15 unavailable .12 data .25 disk .2 build .3", "it guards against loss and is not felt in operation", "nothing, or a short restart"),
    ("comment", "", "", "", "comments are not executed", "nothing"),
    ("document", "", "", "", "documents are not executed", "nothing"),
    ("test", "", "", "build .55", "tests do not run in production", "nothing but red builds"),
    ("format", "", "", "", "only the writing is different, the meaning is the same", "nothing"),
    ("moved", "", "", "build .15 unavailable .1 data .1", "it has another name or place in the code and means the same", "nothing, when it was applied as a move"),
)  # fmt: skip

HARMLESS_KINDS = frozenset({"cosmetic", "alarm", "comment", "document", "format", "moved", "test", "guard"})
"""Kinds whose unnamed symptoms fit as badly as can be."""


def rules_for(kind: str) -> tuple[Rule, ...]:
    """The rules of a kind of attribute, in the order declared."""
    return _by_kind().get(kind, ())


def find_rule(kind: str, group: str, direction: str) -> tuple[Rule, float] | None:
    """The rule that fits best, and how well it is met: 1 when group and direction are as declared, less where one is not told.

    Rules that name the group win over those for any; among these such as name the direction.
    """
    best: tuple[float, Rule] | None = None
    for rule in rules_for(kind):
        if rule.groups and group not in rule.groups:
            continue
        told = not rule.directions or direction in rule.directions
        if not told and direction != "changed":
            continue
        rank = (
            (2.0 if rule.groups else 0.0)
            + (1.0 if rule.directions and direction in rule.directions else 0.0)
            + (0.5 if told else 0.0)
        )
        if best is None or rank > best[0]:
            best = (rank, rule)
    if best is None:
        return None
    rule = best[1]
    met = 1.0 if not rule.directions or direction in rule.directions else 0.8
    return rule, met


def fit_of(rule: Rule, name: SymptomClass) -> float:
    """How well a rule fits a class of symptom."""
    return rule.fits.get(name, HARMLESS if rule.kind in HARMLESS_KINDS else NOT_NAMED)


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Every declared rule."""
    return tuple(
        Rule(kind, frozenset(groups.split()), frozenset(directions.split()), _fits(fits), mechanism, expects)
        for kind, groups, directions, fits, mechanism, expects in _ROWS
    )


@lru_cache(maxsize=1)
def _by_kind() -> dict[str, tuple[Rule, ...]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules():
        found.setdefault(rule.kind, []).append(rule)
    return {kind: tuple(some) for kind, some in found.items()}


def _fits(declared: str) -> dict[SymptomClass, float]:
    known = frozenset(get_args(SymptomClass))
    words = declared.split()
    found: dict[SymptomClass, float] = {}
    for name, fit in zip(words[::2], words[1::2], strict=True):
        if name not in known:
            raise ValueError(f"{name} is no class of symptom")
        found[cast(SymptomClass, name)] = float(fit)
    return found
