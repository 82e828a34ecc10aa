"""Kubernetes as a source: what kube-state-metrics says of a participant's namespaces.

``objects`` are the conditions' part of a rule file, ``collect`` reads Prometheus or Thanos and
tells the leaderboard, ``acm`` writes the pieces of Red Hat Advanced Cluster Management.
"""
