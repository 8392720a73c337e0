"""Tealeaf's services as code: Kubernetes objects, Helm values, the deploy workflow, owners and a runbook."""

from __future__ import annotations

from examples.company import SERVICES, ServiceSpec


def manifest(service: ServiceSpec, environment: str, version: str, replicas: int, memory_mib: int) -> str:
    """A Deployment and its Service."""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {service.name}
  namespace: {environment}
  labels:
    team: {service.team}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: {service.name}
  template:
    metadata:
      labels:
        app: {service.name}
    spec:
      containers:
        - name: {service.name}
          image: registry.tealeaf.example/{service.name}:{version}
          ports:
            - containerPort: {service.port}
          resources:
            limits:
              memory: {memory_mib}Mi
---
apiVersion: v1
kind: Service
metadata:
  name: {service.name}
  namespace: {environment}
spec:
  selector:
    app: {service.name}
  ports:
    - port: 80
      targetPort: {service.port}
"""


WORKFLOW = """name: deploy
on:
  push:
    branches: [main]
jobs:
  plan:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: terraform -chdir=terraform/environments/prod plan
  apply:
    needs: plan
    runs-on: ubuntu-latest
    environment: prod
    steps:
      - uses: actions/checkout@v4
      - run: terraform -chdir=terraform/environments/prod apply -auto-approve
"""

CODEOWNERS = """# Who reviews what
*                         @tealeaf-shop/platform
/terraform/modules/edge/  @tealeaf-shop/platform @ines-duarte
/terraform/modules/data/  @tealeaf-shop/data
""" + "".join(f"/services/{s.name}/  @tealeaf-shop/{s.team}\n" for s in SERVICES)

RUNBOOK = """# Checkout returns 502

1. Look at the listener rules of the edge load balancer: does `/checkout/*` still reach the checkout target group?
2. Look at the target group's health checks.
3. Roll the last deploy back.
"""
