"""What an attribute is for, by the words of its path: a timeout, a pool's size, a health check's path, a tag.

Words are compared, not spellings: `health_check[0].path`, `HealthCheckPath` and `healthCheck.path` are one. The longest wording that stands
in the path wins; among equals one declared for the group of the thing, then the one declared first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from agent.resource_groups import Group
from agent.symptom_words import words_of
from graph.text import name_tokens

KINDS: tuple[tuple[str, str, str], ...] = (
    # (kind, groups, wordings)
    # -- what cannot matter
    ("cosmetic", "", "tags|tag|tags all|description|comment|comments|metadata labels|metadata annotations|display name|labels|owner|cost center|team|doc|docs|documentation|copyright|license|maintainer|friendly name|title|force destroy|metadata generation|last modified|last updated|updated at|etag|resource version|managed fields"),
    ("logging", "", "log level|loglevel|logging|access logs|access log|logs|log|log format|log retention|retention in days|verbosity|debug|tracing|trace|telemetry|metrics|monitoring|sentry|statsd|performance insights|enhanced monitoring|enabled cloudwatch logs exports|xray|prometheus"),
    ("alarm", "alarm", "threshold|period|evaluation periods|alarm|alarm actions|statistic|comparison operator|expr|severity|for|metric name|dashboard body|datapoints to alarm|treat missing data"),
    ("guard", "", "deletion protection|prevent destroy|skip final snapshot|termination protection|disable api termination|ignore changes|lifecycle prevent destroy|backup retention period|backup window|maintenance window|preferred maintenance window|preferred backup window|backup|snapshot|final snapshot identifier|copy tags to snapshot|auto minor version upgrade|point in time recovery"),
    # -- time limits, retries
    ("health_check_path", "", "health check path|healthcheck path|health check target|health check request path|http health check request path|request path|probe path|health check protocol|health check port|readiness probe http get path|liveness probe http get path|startup probe http get path|readiness probe http get port|liveness probe http get port|health check uri|health url|livenessprobe path|readinessprobe path"),
    ("health_check_match", "", "matcher|health check matcher|http code|expected codes|expected status|success codes|health check matcher http code"),
    ("health_check_timing", "", "health check interval|health check timeout|health check interval seconds|health check timeout seconds|healthy threshold|unhealthy threshold|healthy threshold count|unhealthy threshold count|initial delay seconds|failure threshold|period seconds|probe timeout seconds|liveness probe timeout seconds|readiness probe timeout seconds|health check grace period|health check grace period seconds|check interval sec|health check start period|success threshold"),
    ("health_check", "", "health check|healthcheck|readiness probe|liveness probe|startup probe|readinessprobe|livenessprobe|health checks|probe"),
    ("draining", "", "deregistration delay|deregistration delay timeout seconds|deregistration delay timeout|connection draining|draining|drain timeout|termination grace period|termination grace period seconds|pre stop|prestop|stop timeout|slow start|graceful shutdown"),
    ("visibility_timeout", "", "visibility timeout|visibility timeout seconds|ack deadline|ack deadline seconds|lock duration|lease duration"),
    ("idle_timeout", "", "idle timeout|idle timeout seconds|keepalive|keep alive|keep alive timeout|keepalive timeout|client keep alive|tcp idle timeout|idle connection timeout"),
    ("timeout", "", "timeout|timeouts|timeout ms|timeout s|timeout sec|timeout seconds|read timeout|connect timeout|connection timeout|request timeout|proxy read timeout|proxy send timeout|response timeout|backend timeout|statement timeout|deadline|timeout in seconds|max execution time|execution timeout|ttl timeout|origin read timeout|integration timeout|timeout milliseconds|lock timeout"),
    ("retry", "", "retries|retry|max retries|retry count|max attempts|retry attempts|backoff|retry policy|maximum retry attempts|retry on|circuit breaker|outlier detection|max ejection"),
    # -- limits
    ("pool", "", "pool size|pool|max pool size|maximum pool size|pool max|max pool|db pool|db pool size|connection pool|connections per host|max idle|min idle|max idle connections|max open connections|max overflow|pool max size|connection limit|pool timeout|pool recycle|conn max age|max conns|maxconns|max idle conns|max open conns"),
    ("max_connections", "", "max connections|maxconnections|max client conn|max client connections|max user connections|max connections percent|maxclients|worker connections|max requests per connection|backlog|somaxconn|nofile|ulimit|file descriptors|open files"),
    ("rate_limit", "", "rate limit|ratelimit|rate limits|throttle|throttling|throttling rate limit|throttling burst limit|burst limit|requests per second|requests per minute|requests per 5m|requests per|per second|per minute|per client|rps|rpm|qps|rate based|burst|quota limit|limit rps|max requests|request limit|throttle settings|max rate|concurrent requests|rate|limit"),
    ("concurrency", "", "concurrency|reserved concurrent executions|reserved concurrency|provisioned concurrency|concurrent executions|max concurrency|maximum concurrency|container concurrency|parallelism|max parallel|workers|num workers|worker count|threads|max threads|thread pool|processes|worker processes|max workers|gunicorn workers|maxunavailable parallel|concurrency policy|max concurrent|maximum concurrent"),
    ("capacity_units", "", "read capacity|write capacity|read capacity units|write capacity units|billing mode|provisioned throughput|throughput|shard count|shards|dtu|request units|max throughput|autoscale settings|max capacity units|node capacity|acu|min capacity units|serverlessv2 scaling configuration"),
    ("memory", "", "memory|memory size|limits memory|requests memory|memory mb|memory limit|memory reservation|mem limit|mem|xmx|java opts|heap|heap size|jvm opts|max heap|memory in gb|available memory|available memory mb|max memory|maxmemory mb|node options|max old space size|shared buffers|work mem|innodb buffer pool size|ephemeral memory"),
    ("eviction", "", "maxmemory policy|eviction policy|maxmemory|evict|eviction"),
    ("cpu", "", "cpu|limits cpu|requests cpu|cpu limit|cpu units|cpu request|vcpu|cpus|cpu credits|credit specification|cpu options|cpu shares"),
    ("ephemeral_storage", "", "ephemeral storage|empty dir|size limit|limits ephemeral storage|requests ephemeral storage"),
    ("replicas", "", "replicas|replica count|desired count|desired capacity|desired size|instance count|number of instances|node count|task count|count|min available|max unavailable|maximum percent|minimum healthy percent|deployment minimum healthy percent|deployment maximum percent|scale|num replicas|number of nodes|replicacount"),
    ("replicas_min", "", "min replicas|min size|min capacity|min instances|minimum size|min count|min instance count|minreplicas|min node count|minimum"),
    ("replicas_max", "", "max replicas|max size|max capacity|max instances|maximum size|max count|max instance count|maxreplicas|max node count|maximum"),
    ("scaling_target", "", "target value|target cpu utilization percentage|average utilization|scaling adjustment|cooldown|scale in cooldown|scale out cooldown|stabilization window seconds|target tracking|target utilization|metrics resource target|suspended processes|scale down|scale up"),
    ("instance_type", "", "instance type|instance class|machine type|vm size|node type|sku|sku name|tier|size|db instance class|cache node type|database class|instance size|plan|performance class|instance types|compute type|dbinstanceclass|cachenodetype"),
    ("cache_nodes", "", "num cache nodes|num cache clusters|num node groups|replicas per node group|number cache clusters|numcachenodes|cluster size|num nodes|replication factor"),
    # -- where requests go
    ("port", "", "port|target port|container port|host port|backend port|service port|listen|ports|node port|targetport|containerport|named port|from port|to port|server port|db port|listen port"),
    ("protocol", "", "protocol|protocol version|backend protocol|scheme|app protocol|http version|alpn policy|http2|ip address type|ip family|ip version"),
    ("routing", "listener cdn gateway load_balancer", "condition|conditions|path pattern|host header|path|paths|rules|rule|host|hosts|match|prefix|path type|rewrite|redirect|default action|url map|path matcher|behavior|ordered cache behavior|priority|http match|query string"),
    ("routing_target", "", "target group arn|target group|backend service|forward|action target group arn|actions target group arn|service name|backend service name|default service|origin|origin domain name|backend name|backend ref|backend refs|destination host|upstream|upstreams|integration uri|proxy pass|target id|lb target group arn|target group arns|action|actions|attachment"),
    ("traffic_weight", "", "weight|weights|weighted routing policy|traffic split|canary|traffic|percent|target weight|split|traffic percent"),
    ("stickiness", "", "stickiness|sticky sessions|session affinity|cookie duration|session persistence|affinity cookie"),
    ("cross_zone", "", "cross zone|enable cross zone load balancing|cross zone load balancing|availability zones|subnets|subnet ids|subnet|zones|vpc zone identifier|multi az|az|subnet id|db subnet group name|subnet group name|vpc config"),
    ("endpoint", "", "endpoint|url|uri|host|hostname|address|base url|api url|service url|db host|database url|redis url|dsn|connection string|broker|brokers|bootstrap servers|server|servers|upstream url|webhook url|callback url|queue url|topic arn|queue name|topic|bucket name|bucket|database name|db name|jdbc url|remote|registry|proxy url|http proxy|no proxy|target url|api endpoint|external name|origin host|dbname"),
    ("headers", "", "cors|cors rule|allowed origins|allowed methods|allowed headers|headers|x forwarded for|header|csp|content security policy|hsts|request headers|forwarded values|max body size|client max body size|body size|content type|large client header buffers|proxy body size|origin request policy|cookies"),
    # -- names and certificates
    ("dns_value", "dns", "records|record|rrdatas|alias|value|name|resource records|content|target|cname|a record|set identifier|failover routing policy|latency routing policy|type|alias target|name servers|nameservers|delegation|forwarders|vpc|private zone"),
    ("dns_ttl", "", "ttl|dns ttl|record ttl|negative ttl|cache ttl seconds dns|ttl sec"),
    ("dns_resolver", "", "dns policy|dns config|ndots|resolv|nameservers|nameserver|resolver|enable dns support|enable dns hostnames|dns servers|corefile|stub domains|search domains|domain name servers|upstream nameservers|private dns enabled"),
    ("certificate", "", "certificate|certificate arn|ssl certificate|ssl certificate id|ssl certificates|cert|acm certificate arn|subject alternative names|domain name|viewer certificate|tls secret|tls secret name|tls hosts|secret name tls|ca cert|ca certificate|ca bundle|trust store|truststore|issuer ref|not after|dns names|certificates|ca certificate identifier|cert manager|cacert|tls crt|keystore|private key|client ca|root ca|validity period hours|common name|validation method"),
    ("tls_policy", "", "ssl policy|tls policy|minimum protocol version|min tls version|minimum tls version|ssl protocols|ciphers|security policy|cipher suites|tls version|tls mode|ssl mode|sslmode|require ssl|require secure transport|force ssl|rds force ssl|mtls|verify|tls verify|ssl verify|insecure skip verify|peer authentication|transit encryption enabled|https only|tls min version|viewer protocol policy|ssl enforcement enabled|client auth"),
    # -- who may do what
    ("permission", "", "policy|policy document|assume role policy|statement|statements|action allow|managed policy arns|inline policy|policy arn|role|role arn|members|member|bindings|binding|rules verbs|verbs|rules resources|api groups|role ref|subjects|actions effect|principal|principals|trust policy|permissions boundary|grants|acl|policies|execution role arn|task role arn|iam instance profile|service account name|service account|serviceaccount|scopes|permissions|role definition name|source arn|run as user|run as non root|security context|fs group|privileged|capabilities|condition aws|resource policy|allowed account ids|allow|deny|allowed|denied|access policies|acl rules|groups|users|require"),
    ("public_access", "", "block public acls|block public policy|restrict public buckets|ignore public acls|public access|publicly accessible|public network access enabled|internal|object ownership|private cluster|endpoint public access|public access cidrs|authorized networks|ip configuration authorized networks|network rules|default action network"),
    ("network_rule", "network_rule waf", "ingress|egress|cidr blocks|cidr|source ranges|cidr ipv4|ipv6 cidr blocks|source security group id|rule|rules|allow|deny|protocol|from port|to port|type|rule action|action|priority|source address prefix|destination port range|pod selector|policy types|security groups|prefix list ids|source tags|target tags|direction|default action|access|rate based statement|managed rule group|override action|scope down|source|destination|port|ports"),
    ("network_rule", "", "security groups|security group ids|vpc security group ids|security group id|ingress|egress|cidr blocks|source ranges|allowed cidrs|allowed ips|whitelist|allowlist|blocklist|denylist|ip whitelist|ip allowlist|allowed hosts|blocked|trusted proxies|source security group|load balancer source ranges|firewall rules|network tags|whitelist source range"),
    ("route", "network", "route|routes|destination cidr block|gateway id|nat gateway id|next hop|next hop instance|transit gateway id|route table id|propagating vgws|target|destination cidr|peering|tunnel|cidr block|cidr|allocation id|subnet id|accepter|service name|policy|mtu"),
    ("route", "", "route table|destination cidr block|nat gateway|internet gateway|next hop|mtu|cidr block|pod cidr|service cidr|ip range|secondary ip range|vpn|tunnel|bgp|peer"),
    ("credential", "", "secret|secret string|secret data|password|passwd|token|api key|apikey|access key|secret key|client secret|client id|credentials|auth token|private key|secret arn|secret version|version stage|secret id|rotation|rotation lambda arn|rotation days|key rotation|value from|value from secret|secret key ref|secret name|secret ref|image pull secrets|signing key|jwt secret|jwt|username|user|login|db user|db password|master password|admin password|passphrase|secrets|status inactive|keyid|service account key|basic auth"),
    ("auth_provider", "", "issuer|issuer url|audience|jwks|jwks uri|oidc|oauth|redirect uri|redirect uris|callback urls|authorizer|auth url|token endpoint|identity provider|saml|sso|allowed oauth flows|access token validity|token ttl|session duration|session timeout|cookie domain|auth|authentication|same site|session ttl|max session duration"),
    ("encryption_key", "", "kms key|kms key id|kms key arn|kms master key id|encryption|encrypted|key id|sse algorithm|customer managed key|server side encryption|enable key rotation|is enabled|deletion window in days|key usage|storage encrypted|encryption at rest"),
    # -- data
    ("storage_size", "", "allocated storage|volume size|disk size|disk size gb|storage|size in gb|capacity|requests storage|ebs volume size|root block device volume size|max allocated storage|volume size gb|storage size|disk|storage gb|size gb|resources requests storage|max size bytes|log file size"),
    ("iops", "", "iops|throughput mbps|volume type|storage type|disk type|provisioned iops|storage iops|throughput mode|disk iops|storage class|storageclass"),
    ("retention", "", "retention|lifecycle rule|lifecycle|expiration|expiration days|expiration in days|noncurrent version expiration|retention period|message retention seconds|message retention duration|retention hours|log retention hours|ttl days|days|transition|max age days|retention ms|retention bytes|object lock|lifecycle configuration|prune|cleanup|purge|gc|delete after"),
    ("versioning", "", "versioning|versioning configuration|version enabled|mfa delete|object versioning|soft delete"),
    ("replication", "", "replication|replicate source db|replica|read replica|replication configuration|multi az enabled|global table|cross region|read replicas|replica mode|failover|failover priority|automatic failover enabled|promotion tier|replica of|sync mode|synchronous commit|consistency|quorum|min insync replicas|acks"),
    ("schema", "", "alter table|create table|drop table|drop column|add column|rename column|schema|migration|migrations|create index|drop index|index|hash key|range key|global secondary index|partition key|attribute|mapping|mappings|collation|charset|character set|sql mode|column|not null|foreign key|constraint|avro|proto|protobuf|openapi"),
    ("db_parameters", "", "parameter group name|parameter|parameters|db parameter group name|flags|database flags|work mem|innodb|autovacuum|random page cost|effective cache size|option group name|parameter group|log min duration statement|query cache|max allowed packet|isolation level|transaction isolation|wal"),
    ("engine_version", "", "engine version|engine|database version|kubernetes version|cluster version|redis version|postgres version|mysql version|node version|master version|release channel|min master version|platform version|addon version|family|major version|version|release label|engine mode|kubelet version|solution stack name"),
    # -- caches and queues
    ("cache_ttl", "", "cache ttl|default ttl|max ttl|min ttl|max age|s maxage|cache control|ttl seconds|cache seconds|cache duration|expires|cache expiry|cache timeout|stale while revalidate|cache lifetime"),
    ("cache_behaviour", "", "cache|cache key|cache policy|cache policy id|caching|cache enabled|invalidation|compress|cache bypass|proxy cache|cache prefix|disable cache|cache size|cached"),
    ("dead_letter", "", "redrive policy|dead letter|dead letter queue|dead letter config|max receive count|dlq|dead letter policy|max delivery attempts|max delivery count|dead lettering"),
    ("consumer", "", "batch size|maximum batching window in seconds|prefetch|prefetch count|consumers|consumer group|consumer|max poll records|poll interval|maximum batching|event source arn|starting position|subscription|filter policy|filter|filter criteria|event pattern|group id|delivery policy|delay seconds|receive wait time seconds|max number of messages|partitions|partition count|message size|max message bytes|max message size|fifo|content based deduplication|auto offset reset|push endpoint|routing key|binding key|exchange|parallel consumers|queue"),
    ("schedule", "", "schedule|schedule expression|cron|cron expression|suspend|rate expression|start time|timezone|time zone|recurrence|backoff limit|active deadline seconds|interval|every|frequency|starting deadline seconds|event bus"),
    # -- what runs
    ("image", "", "image|image uri|image tag|image id|ami|ami id|image name|container image|tag version|docker image|image digest|image version|source image|boot disk image|from|image repository|newtag|new tag|chart version|target revision|app version|appversion|release|git ref|ref|commit|revision|docker tag|package version|s3 key|s3 object version|source code hash|code sha256|filename|zip file|artifact|deployed version|tag"),
    ("image", "service workload container function instance", "version|image version"),
    ("image_pull", "", "image pull policy|image pull secrets|image registry|registry url|repository url"),
    ("runtime", "", "runtime|runtime version|architecture|architectures|node|python version|java version|go version|linux fx version|layers|base image|os type|platform|language version|php version|ruby version|cpu architecture|python requires|engines|glibc"),
    ("command", "", "command|args|entrypoint|entry point|cmd|handler|user data|user data base64|startup script|init containers|lifecycle post start|post start|working dir|run|container definitions|exec|start command|metadata startup script|custom data|bootstrap|entryfile|script|scripts|hooks"),
    ("dependency", "", "dependencies|dependency|requirements|package|packages|require|go mod|pom|devdependencies|peer dependencies|gems|plugins|module source|source|required providers|provider version|required version|helm chart|chart|module version"),
    ("env_var", "", "env|environment|environment variables|env from|environment variable|app settings|site config|container env|envs|variables"),
    ("config_data", "configuration", "data|binary data|content|value|values|config"),
    ("config_reference", "", "config map ref|config map key ref|config map name|volume mounts|volumes|mount path|sub path|mount|volume mount|config file|configmap|volume claim templates|mounts|path on host|secret mount|file system id|access point"),
    ("selector", "", "selector|match labels|selector match labels|template metadata labels|pod labels|selector app|label selector|selectors|match expressions|namespace selector"),
    ("placement", "", "affinity|node selector|tolerations|taints|taint|node affinity|pod anti affinity|anti affinity|topology spread constraints|priority class name|scheduler name|runtime class name|placement constraints|placement strategy|capacity type|spot|spot price|market type|capacity provider|capacity provider strategy|node pool|instance market options|host network|tenancy|max pods|nodepool|runtime class"),
    ("resource_quota", "", "hard|quota|resource quota|limit range|limits max|hard limits|pods hard|requests storage hard|max pods per node|service limit"),
    ("rollout", "", "strategy|rolling update|max surge|max unavailable|update policy|deployment configuration|deployment controller|progress deadline seconds|min ready seconds|update strategy|paused|partition|instance refresh|auto sync|sync policy|revision history limit|deployment circuit breaker|upgrade settings|pod disruption budget"),
    ("admission", "", "webhook|webhooks|failure policy|admission|mutating|validating|namespace selector webhook|pod security|validation failure action|enforce|finalizers|crd|api version|apiversion|pod security standards"),
    ("namespace", "", "namespace|metadata namespace|region|cluster|account id|project|subscription id|location|workspace|resource group name|tenant"),
    ("feature_flag", "", "feature|features|feature flag|feature flags|flag|flags|enable|enabled|disabled|disable|toggle|toggles|experiment|rollout percentage|kill switch|experiments|maintenance mode|read only|use|is active|active|beta|mode"),
    ("plan_cost", "", "savings plan|reserved|spot instances|budget limit|on demand|storage tier|intelligent tiering|purchase option"),
    ("pipeline", "pipeline", "steps|run|uses|needs|if|runs on|branches|push|jobs|job|environment|with|stage|stages|trigger|triggers|node|nodeset|timeout minutes|permissions|on|workflow|script|check|gate|voting|template|parent|required projects|concurrency|secrets|matrix|cache"),
)  # fmt: skip
"""Kind of attribute, groups that it is limited to (empty: any), wordings separated by `|`."""

_SEGMENT = re.compile(r"[^.\[\]]+|\[[^\]]*\]?")
_KEYED = frozenset(
    {"env", "environment", "data", "attributes", "settings", "variables", "parameters", "parameter", "configuration", "set", "values", "annotations", "tags", "labels", "app_settings", "string_data", "stringdata", "containerenv", "flags"}
)  # fmt: skip
_AT_THE_END = words_of(
    "user username users login host hosts hostname server servers url uri address rate limit use mode active beta type name size tier plan role "
    "members member groups allow allowed deny denied require policy policies permissions principal from run ref release commit revision data content header headers "
    "rules rule action actions condition match path paths prefix limits count scale percent weight split traffic target index column mapping "
    "constraint family engine version platform node filter consumer queue topic cache cached capacity disk days transition frequency every interval "
    "region cluster account project location tenant namespace flag flags feature features enable disable enabled disabled script scripts handler "
    "command args hooks auth team title owner doc docs comment label labels log logs debug metrics monitoring backup snapshot probe tag source plugins chart "
    "package packages environment env variables settings registry remote broker forward origin attachment secret scheme protocol pool internal encrypted "
    "volumes mount mounts selector quota strategy paused partition webhook enforce burst nodes workers threads storage"
)
"""Words that, by themselves, tell what a key is for only where they end it: `api_url` is an address, `url_shortener_color` is not."""
_UNITS = words_of("ms s sec seconds min minutes hours mb gb kb bytes percent max min count")
_VESSELS = frozenset({"config_data", "env_var"})
"""Kinds that hold anything: what is inside decides when it is known."""
_WRAPPERS = frozenset(
    {
        "spec",
        "template",
        "properties",
        "config",
        "configuration",
        "attributes",
        "containers",
        "value",
        "default",
        "data",
        "resources",
    }
)


@lru_cache(maxsize=16_384)
def path_words(path: str) -> tuple[str, ...]:
    """The words of an attribute's path without indices and keys that only tell which one of several.

    >>> path_words("spec.containers[payments].env[DB_POOL_SIZE].value")
    ('spec', 'containers', 'env', 'db', 'pool', 'size', 'value')
    """
    words: list[str] = []
    before = ""
    for segment in _SEGMENT.findall(path):
        if not segment.startswith("["):
            before = segment
            words.extend(name_tokens(segment))
        elif before.casefold() in _KEYED:
            words.extend(name_tokens(segment))
    return tuple(words)


@lru_cache(maxsize=16_384)
def shown_path(path: str) -> str:
    """An attribute's path as people say it.

    >>> shown_path("health_check[0].path"), shown_path("spec.template.spec.containers[api].resources.limits.memory")
    ('health check path', 'memory limit')
    """
    words = [w for w in path_words(path) if not w.isdigit()]
    short = [w for w in words if w not in _WRAPPERS] or words
    if len(short) > 1 and short[-2] in ("limits", "requests"):
        return f"{short[-1]} {short[-2][:-1]}"
    return " ".join(short[-5:]) or path[:60]


@lru_cache(maxsize=16_384)
def kind_of(words: tuple[str, ...], group: Group = "") -> str:
    """The kind of attribute that these words of a path name, of a thing of this group; empty when none is known."""
    best: tuple[float, int] = (-10.0, 0)
    found = ""
    starts = _starts()
    for i, word in enumerate(words):
        for phrase, kind, groups, order in starts.get(word, ()):
            if (groups and group not in groups) or words[i : i + len(phrase)] != phrase:
                continue
            # The end of a path says more than its beginning.
            if len(phrase) == 1 and not groups and word in _AT_THE_END and not _ends(words, i):
                continue
            length = len(phrase) + (0.5 if groups else 0.0) + 0.4 * (i + len(phrase)) / len(words)
            rank = (length - 1.5 if kind in _VESSELS else length, -order)
            if rank > best or not found:
                best, found = rank, kind
    return found


def _ends(words: tuple[str, ...], i: int) -> bool:
    """Whether nothing that tells more comes after a word."""
    return all(w.isdigit() or w in _WRAPPERS or w in _UNITS for w in words[i + 1 :])


def kind_of_key(words: Sequence[str], context: Sequence[str], group: Group = "") -> str:
    """The kind of a key; when it has none by itself, that of the file or block it stands in (`timeouts.yaml`)."""
    return kind_of(tuple(words), group) or kind_of(tuple(context), group)


@lru_cache(maxsize=1)
def _starts() -> dict[str, tuple[tuple[tuple[str, ...], str, frozenset[str], int], ...]]:
    found: dict[str, list[tuple[tuple[str, ...], str, frozenset[str], int]]] = {}
    for order, (kind, groups, wordings) in enumerate(KINDS):
        limited = frozenset(groups.split())
        for wording in wordings.split("|"):
            phrase = name_tokens(wording)
            found.setdefault(phrase[0], []).append((phrase, kind, limited, order))
    return {word: tuple(entries) for word, entries in found.items()}
