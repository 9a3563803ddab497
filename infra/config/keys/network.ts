// sandlot:network: the walls around sandboxes.
import { z } from "zod";

import { choice, cidr, dnsLabel, field, flag, ipAddress, labels, listOf, object, port } from "../values";

const allowedPort = object(
  {
    port: port("The port, or the first one"),
    endPort: port("The last port. Default: the first one").optional(),
    protocol: choice(["tcp", "udp"], "Default: tcp").optional(),
  },
  "A port, or all ports from one to another",
);

const allowedRange = object(
  {
    cidr: cidr("The range; one address is a range of /32 or /128"),
    ports: field(
      z.array(allowedPort).min(1),
      "At which ports. Default: 443 over TCP",
      "a list of at least one port",
    ).optional(),
    allowPrivate: flag(
      "Whether the range may lie in what is shut to sandboxes otherwise: private, link-local and cluster ranges. Default: false",
    ).optional(),
  },
  "One range",
);

const dns = object(
  {
    namespaceLabels: labels(
      "Labels of the DNS pods' namespace. Default: kubernetes.io/metadata.name=kube-system",
    ).optional(),
    podLabels: labels("Labels of the DNS pods. Default: k8s-app=kube-dns").optional(),
    port: port("The DNS pods' port. Default: 53").optional(),
    nodeLocalAddresses: listOf(
      ipAddress("An address, such as 169.254.20.10"),
      "Addresses of DNS caches on the nodes (NodeLocal DNSCache), reachable at port 53 only",
    ).optional(),
  },
  "Where the cluster's DNS is",
);

const clientPods = object(
  {
    namespaceLabels: labels(
      "Labels of the namespaces whose pods may. Default: the sandboxes' own namespace",
    ).optional(),
    podLabels: labels("Labels of the pods that may. Default: every pod of those namespaces").optional(),
  },
  "Some pods",
);

export const network = object(
  {
    egress: choice(
      ["blocked", "allowlist", "open"],
      "What the shared sandboxes may reach. Default: blocked",
    ).optional(),
    allowlist: listOf(
      allowedRange,
      "What shared sandboxes of profile allowlist may reach, besides the cluster's DNS; the provisioner's have rules of their own",
    ).optional(),
    clientCidrs: listOf(
      cidr("A range of client addresses"),
      "Addresses that may call sandboxes, besides pods",
    ).optional(),
    clientNamespaces: listOf(
      dnsLabel("A namespace"),
      "Namespaces whose pods labelled sandlot.dev/sandbox-client=true may call sandboxes, besides the sandboxes' own",
    ).optional(),
    clientPods: listOf(clientPods, "Further pods that may call sandboxes, by labels of their own").optional(),
    clusterCidrs: listOf(
      cidr("A range of pods, Services or nodes"),
      "Public ranges that are the cluster's own and that no profile reaches; private ones are shut in any case, but must be named beside provisioner.egressProxy.privateCidrs",
    ).optional(),
    dns: dns.optional(),
  },
  "The walls around sandboxes",
);
