"""Sandboxes on a cluster that is there. `pulumi_sandlot` is generated from the component package's schema."""

import pulumi
import pulumi_sandlot as sandlot

config = pulumi.Config()

home = sandlot.SandboxNamespace(
    "home",
    name=config.require("namespace"),
    quota={"pods": 10},
)
walls = sandlot.SandboxNetworkPolicies(
    "walls",
    namespace=home.namespace,
    ingress_peers=[{"pod_labels": {"app": "agent"}}],
)
access = sandlot.SandboxRbac(
    "access",
    namespace=home.namespace,
    accounts=[
        {
            "name": "reader",
            "rules": [{"resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]}],
        }
    ],
)
sandboxes = sandlot.SandboxDeployment(
    "sandboxes",
    namespace=home.namespace,
    image=config.require("image"),
    service_account_name=access.service_account_name,
    runtime_class_name=config.require("runtimeClass"),
    replicas=1,
    egress=sandlot.EgressProfile.BLOCKED,
    resources={"requests": {"cpu": "20m", "memory": "64Mi"}},
    # Walls stand before pods do.
    opts=pulumi.ResourceOptions(depends_on=[walls]),
)

pulumi.export("namespace", home.namespace)
pulumi.export("egressProfiles", walls.egress_profiles)
pulumi.export("serviceUrl", sandboxes.service_url)
