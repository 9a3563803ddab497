// sandlot:cluster: the development cluster.
import { z } from "zod";

import { pullPolicy } from "./shared";
import {
  absolutePath,
  choice,
  count,
  environment,
  field,
  flag,
  imageReference,
  listOf,
  object,
  port,
  text,
} from "../values";

export const cluster = object(
  {
    image: imageReference(
      "The node's image, k3s or compatible. Default: the one that setup found or built",
    ).optional(),
    imagePullPolicy: pullPolicy("the node's image").optional(),
    agents: count(
      "How many more nodes there are, each in a container of its own. Default: 0",
      0,
      5,
    ).optional(),
    apiPort: port("The API server's port on this machine's loopback address. Default: 6443").optional(),
    ports: listOf(
      object(
        {
          host: port("The port on this machine's loopback address"),
          node: port("The port of the node, such as a NodePort"),
          protocol: choice(["tcp", "udp"], "Default: tcp").optional(),
        },
        "One published port",
      ),
      "Further ports of the node to publish on this machine's loopback address",
    ).optional(),
    environment: environment("Environment variables of each node's container").optional(),
    memory: count(
      "The most memory that each node may use, in MiB. Default: no limit",
      1024,
      1_048_576,
    ).optional(),
    cpus: field(
      z.string().regex(/^[0-9]+(\.[0-9]+)?$/),
      "The most CPUs that each node may use. Default: no limit",
      'a number in quotes, such as "2" or "1.5"',
    ).optional(),
    tlsSans: listOf(text("A host name or address"), "More names in the API server's certificate").optional(),
    registryMirrors: field(
      z.record(
        z.string().regex(/^[a-z0-9.*:-]+$/),
        z.array(field(z.url(), "A mirror's address", "a URL, such as https://mirror.example.com")),
      ),
      "Mirrors by registry, for pulls inside the cluster",
      "registry host names, each with a list of mirror URLs",
    ).optional(),
    imageArchives: listOf(
      absolutePath("An image archive on this machine, as `docker save` writes it"),
      "Archives that each node imports when it starts",
    ).optional(),
    mounts: listOf(
      object(
        {
          source: absolutePath("A folder on this machine"),
          target: absolutePath("Where the node sees it"),
          readOnly: flag("Default: true").optional(),
        },
        "One mounted folder",
      ),
      "Folders of this machine that each node sees",
    ).optional(),
    podPidsLimit: count("The most processes of one pod. Default: 1024", 64, 65_536).optional(),
    disable: listOf(
      choice(
        ["coredns", "servicelb", "traefik", "local-storage", "metrics-server"],
        "A component that k3s would deploy by itself",
      ),
      "Components of k3s to leave out; by default metrics-server stays where sandbox.autoscaling goes by CPU. Default: traefik, servicelb, metrics-server",
    ).optional(),
    extraServerArgs: listOf(
      field(z.string().regex(/^--[a-z]/), "A flag of `k3s server`", "a flag beginning with --"),
      "Further flags of `k3s server`; those for the kubelet and kube-proxy go to all nodes",
    ).optional(),
  },
  "The development cluster: k3s in containers, one a node",
);
