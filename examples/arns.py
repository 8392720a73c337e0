"""The ARNs of what runs in an environment: the same in states, audit events and inventories."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from examples.company import ACCOUNT_IDS, REGION


def identifier(*parts: str) -> str:
    """Sixteen hex digits that follow from `parts`, as AWS numbers things."""
    return blake2b("/".join(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Arns:
    """Of one environment."""

    environment: str

    @property
    def account_id(self) -> str:
        """The environment's account."""
        return ACCOUNT_IDS[self.environment]

    def of(self, service: str, resource: str) -> str:
        """An ARN in the environment's account and region."""
        return f"arn:aws:{service}:{REGION}:{self.account_id}:{resource}"

    @property
    def load_balancer(self) -> str:
        """The edge's load balancer."""
        name = f"loadbalancer/app/tealeaf-{self.environment}/{identifier(self.environment, 'lb')}"
        return self.of("elasticloadbalancing", name)

    @property
    def listener(self) -> str:
        """Its HTTPS listener."""
        return self.load_balancer.replace("loadbalancer", "listener") + f"/{identifier(self.environment, 'https')}"

    def rule(self, service: str) -> str:
        """The listener rule of a service."""
        number = identifier(self.environment, service, "rule")
        return self.listener.replace("listener", "listener-rule") + f"/{number}"

    def target_group(self, service: str) -> str:
        """The target group of a service."""
        name = f"targetgroup/{self.environment}-{service}/{identifier(self.environment, service)}"
        return self.of("elasticloadbalancing", name)

    @property
    def edge_group_id(self) -> str:
        """Id of the edge's security group."""
        return f"sg-0{identifier(self.environment, 'edge')}"

    @property
    def edge_group(self) -> str:
        """The edge's security group."""
        return self.of("ec2", f"security-group/{self.edge_group_id}")

    @property
    def database_group_id(self) -> str:
        """Id of the database's security group."""
        return f"sg-0{identifier(self.environment, 'database')}"

    @property
    def database_group(self) -> str:
        """The database's security group."""
        return self.of("ec2", f"security-group/{self.database_group_id}")

    @property
    def database(self) -> str:
        """The orders database."""
        return self.of("rds", f"db:orders-{self.environment}")

    @property
    def cache(self) -> str:
        """The session cache."""
        return self.of("elasticache", f"cluster:sessions-{self.environment}")

    @property
    def queue(self) -> str:
        """The order queue."""
        return self.of("sqs", f"orders-{self.environment}")

    @property
    def queue_url(self) -> str:
        """The order queue's address."""
        return f"https://sqs.{REGION}.amazonaws.com/{self.account_id}/orders-{self.environment}"

    @property
    def bucket(self) -> str:
        """The bucket of receipts."""
        return f"arn:aws:s3:::tealeaf-receipts-{self.environment}"

    @property
    def alarm(self) -> str:
        """The alarm on the order queue."""
        return self.of("cloudwatch", f"alarm:orders-queue-{self.environment}")

    @property
    def log_group(self) -> str:
        """The services' log group."""
        return self.of("logs", f"log-group:/tealeaf/{self.environment}")

    @property
    def certificate(self) -> str:
        """The certificate at the edge, which was ordered in the console."""
        return self.of("acm", f"certificate/{identifier(self.environment, 'certificate')}")
