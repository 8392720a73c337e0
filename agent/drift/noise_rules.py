"""The differences that are no drift, declared: each with its reason. What they take away is counted in the report."""

from __future__ import annotations

from agent.drift.observed import Rule

RULES: tuple[Rule, ...] = (
    # -- how things are told
    Rule("nothing-is-empty", "nothing, an empty text and an empty list mean the same to a provider", test="empty"),
    Rule("same-json", "the same JSON document, written in another way", test="same_json"),
    Rule("same-number", "the same number or switch, told as text by one side", test="same_scalar"),
    Rule("known-after-apply", "the value is known only after an apply: a provider computes it", test="computed"),
    Rule("tags-repeated", "`tags_all` repeats what `tags` says", attribute="tags_all*", test="tags_repeated"),
    Rule("default-added", "a server filled in a default that the code leaves open", test="default"),
    # -- what belongs to somebody else
    Rule("aws-tags", "tags under `aws:` are set by AWS itself", attribute='tags*aws:*'),
    Rule("kubernetes-tags", "tags that Kubernetes' controllers set on what they use", attribute="tags*kubernetes.io/*"),
    Rule("eks-tags", "tags that EKS sets on what it uses", attribute="tags*eks:*"),
    # -- what changes by itself
    Rule("last-modified", "moves with every change", attribute="*last_modified*"),
    Rule("last-updated", "moves with every change", attribute="*last_updated*"),
    Rule("etag", "follows from the content", attribute="etag"),
    Rule("version-of-content", "counts changes of the content", type="aws_ssm_parameter", attribute="version"),
    Rule("launch-template-version", "counts versions that are told themselves", type="aws_launch_template", attribute="*_version"),
    Rule("table-streams", "made anew by the service", type="aws_dynamodb_table", attribute="stream_*"),
    Rule("revision", "made anew by each deployment", attribute="*revision*"),
    Rule("status", "a state of running and no setting", attribute="status"),
    Rule("created-at", "when it was made", attribute="create*_*at*"),
    Rule("replicas-by-autoscaler", "an autoscaler sets it", attribute="*replicas", test="autoscaled"),
    # -- what is there without anybody having made it
    Rule("default-network", "every account is given it", kinds=("unmanaged",), test="default_network"),
    Rule("service-linked", "made by a service of the cloud for itself", kinds=("unmanaged",), test="service_linked"),
    Rule("made-by-a-parent", "made and deleted by a group, a cluster or a stack that is known", kinds=("unmanaged",), test="made_by_parent"),
    Rule("made-by-a-tool", "made from a chart or from manifests by Helm, Argo CD or Flux", type="kubernetes:*", kinds=("unmanaged",), test="managed_by_tool"),
    Rule("provider-managed", "keys, policies and options that the cloud keeps for all accounts", kinds=("unmanaged",), test="provider_managed"),
)  # fmt: skip
"""Applied in this order, the user's own before them."""
