"""Which products of a price list the mappings can ask for: the rest of a file of gigabytes is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

KEPT: Mapping[str, Mapping[str, Sequence[str]]] = {
    "AmazonEC2": {
        "preInstalledSw": ("NA",),
        "capacitystatus": ("Used", "NA", "UnusedCapacityReservation"),
        "tenancy": ("Shared", "Dedicated", "Host", "NA"),
        "operatingSystem": ("Linux", "Windows", "RHEL", "SUSE", "NA"),
        "locationType": ("AWS Region",),
        "marketoption": ("OnDemand",),
    },
    "AmazonRDS": {"locationType": ("AWS Region",)},
    "AmazonElastiCache": {"locationType": ("AWS Region",)},
    "AWSELB": {"locationType": ("AWS Region",)},
}
"""Service -> attribute -> values to keep; of other services everything is kept."""

SERVICES: tuple[str, ...] = (
    "AWSLambda", "AWSELB", "AWSQueueService", "AWSSecretsManager", "AmazonApiGateway", "AmazonCloudWatch", "AmazonDynamoDB", "AmazonEC2",
    "AmazonECR", "AmazonECS", "AmazonEFS", "AmazonEKS", "AmazonElastiCache", "AmazonKinesis", "AmazonRDS", "AmazonS3", "AmazonGlacier", "AmazonS3GlacierDeepArchive", "AmazonSNS", "AmazonVPC", "awskms",
)  # fmt: skip
"""What most plans need of a region."""

GLOBAL: frozenset[str] = frozenset({"AmazonCloudFront", "AmazonRoute53", "AWSGlobalAccelerator"})
"""Services whose one file is for all regions."""
