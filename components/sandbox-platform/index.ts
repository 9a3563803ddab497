// Everything that sandboxes need in a cluster, put together in the order that keeps them walled in from the first moment.
import * as pulumi from "@pulumi/pulumi";

import { EgressProxy } from "../egress-proxy";
import { proxyUrl } from "../egress-proxy/objects";
import { GvisorRuntime } from "../gvisor-runtime";
import { ImageScan } from "../image-scan";
import { scanPart } from "../image-scan/resolve";
import { Observability } from "../observability";
import { metricsVariable } from "../observability/objects";
import { Provisioner } from "../provisioner";
import { SandboxDeployment } from "../sandbox-deployment";
import { SandboxEnvironment } from "../sandbox-environment";
import { SandboxNamespace } from "../sandbox-namespace";
import { SandboxNetworkPolicies } from "../sandbox-network-policies";
import { SandboxRbac } from "../sandbox-rbac";
import { SkillsStorage } from "../skills-storage";
import { UserDataRetention } from "../user-data-retention";
import { UserDataStorage } from "../user-data-storage";
import type { SandboxPlatformArgs } from "./args";
import { egressProxyArgs, observabilityArgs, provisionerArgs, withSecrets } from "./provisioner";
import { allEnvironments, environmentPart, partNames, resolve } from "./resolve";
import { retentionArgs } from "./retention";
import { runtimeArgs } from "./runtime";
import { environmentScan, scans, type Scanned } from "./scans";
import { namespaceArgs } from "./services";

/**
 * Sandboxes in a cluster: namespace, network walls, service account, skills, gVisor, and the shared sandbox itself. The
 * Deployment is made last: walls stand before pods do.
 */
export class SandboxPlatform extends pulumi.ComponentResource {
  /** The namespace. */
  public readonly namespace: pulumi.Output<string>;
  /** The name of the Deployment. */
  public readonly deploymentName: pulumi.Output<string>;
  /** The name of the Service. */
  public readonly serviceName: pulumi.Output<string>;
  /** The Service's URL inside the cluster. */
  public readonly serviceUrl: pulumi.Output<string>;
  /** The port of every node, if the Service has one. */
  public readonly nodePort: pulumi.Output<number | undefined>;
  /** The RuntimeClass of sandboxes, if they run in gVisor. */
  public readonly runtimeClassName: pulumi.Output<string | undefined>;
  /** The claim of users' data, if it is kept. */
  public readonly userDataClaimName: pulumi.Output<string | undefined>;
  /** The egress profiles there are. */
  public readonly egressProfiles: pulumi.Output<string[]>;
  /** The provisioner's namespace, if there is one. */
  public readonly provisionerNamespace: pulumi.Output<string | undefined>;
  /** The provisioner's URL inside the cluster, if there is one. */
  public readonly provisionerUrl: pulumi.Output<string | undefined>;
  /** The API key of the provisioner's tenant `default`, if it was given or made. Secret. */
  public readonly provisionerApiKey: pulumi.Output<string | undefined>;

  /** @throws ArgumentError, before anything is registered, if an argument of any part is bad. */
  constructor(name: string, args: SandboxPlatformArgs, opts?: pulumi.ComponentResourceOptions) {
    resolve(name, args);
    super("sandlot:index:SandboxPlatform", name, withSecrets(args), opts);

    const names = partNames(name);
    const own = { parent: this };
    const scanned = new Map<Scanned, ImageScan>(
      scans(args).map(([of, scan]) => [of, new ImageScan(scanPart(`${name}-${of}`), scan, own)]),
    );
    const passed = (...images: Scanned[]): ImageScan[] =>
      images.map((of) => scanned.get(of)).filter((scan) => scan !== undefined);
    const home = new SandboxNamespace(names.namespace, namespaceArgs(args), own);
    const namespace = home.namespace;
    const priority =
      args.namespace?.priority === undefined
        ? {}
        : { priorityClassName: home.priorityClassName.apply((className) => className ?? "") };
    const inside = { parent: this, dependsOn: home };
    const network = new SandboxNetworkPolicies(names.network, { ...args.network, namespace }, inside);
    const rbac = new SandboxRbac(names.rbac, { ...args.rbac, namespace }, inside);
    const skills =
      args.skills === undefined
        ? undefined
        : new SkillsStorage(names.skills, { ...args.skills, namespace }, inside);
    const userData =
      args.userData === undefined
        ? undefined
        : new UserDataStorage(names.userData, { ...args.userData, namespace }, inside);
    const runtime =
      args.gvisor === false
        ? undefined
        : new GvisorRuntime(
            names.runtime,
            runtimeArgs(args, {
              namespace,
              serviceAccountName: rbac.serviceAccountName,
              ...priority,
            }),
            // The pod that is tried stands behind the same walls as sandboxes.
            { parent: this, dependsOn: [home, network, rbac, ...passed("sandbox", "installer")] },
          );
    const walls = [
      ...[home, network, rbac, skills, userData, runtime].filter((part) => part !== undefined),
      ...passed("sandbox"),
    ];
    if (args.userDataRetention !== undefined && userData !== undefined) {
      const place = { namespace, claimName: userData.claimName, ...priority };
      new UserDataRetention(names.userDataRetention, retentionArgs(args, args.userDataRetention, place), {
        parent: this,
        dependsOn: walls,
      });
    }
    const watched = args.observability !== undefined;
    if (watched) new Observability(names.observability, observabilityArgs(args, namespace), inside);
    const deployment = new SandboxDeployment(
      names.deployment,
      {
        ...args.deployment,
        ...(watched ? { env: [...(args.deployment?.env ?? []), metricsVariable] } : {}),
        namespace,
        image: args.image,
        serviceAccountName: rbac.serviceAccountName,
        ...priority,
        ...(runtime === undefined ? {} : { runtimeClassName: runtime.runtimeClassName }),
        ...(skills === undefined ? {} : { skillsClaimName: skills.claimName }),
        ...(userData === undefined
          ? {}
          : { userDataClaimName: userData.claimName, userDataSubPath: userData.subPath }),
      },
      { parent: this, dependsOn: walls },
    );
    for (const environment of allEnvironments(args)) {
      new SandboxEnvironment(
        environmentPart(name, environment.name),
        {
          ...(runtime === undefined ? {} : { runtimeClassName: runtime.runtimeClassName }),
          ...environment,
          ...environmentScan(args, environment),
          // The namespace lets in no pods of another.
          ...priority,
          namespace,
          sandboxImage: args.image,
          ...(args.node === undefined ? {} : { node: args.node }),
        },
        { parent: this, dependsOn: [home, ...passed("sandbox")] },
      );
    }

    const { provisioner, egressProxy } = args;
    const service =
      provisioner === undefined
        ? undefined
        : new Provisioner(
            names.provisioner,
            provisionerArgs(args, provisioner, {
              namespace,
              sandboxServiceAccountName: rbac.serviceAccountName,
              skillsClaimName: skills?.claimName,
              userDataClaimName: userData?.claimName,
              egressProxyUrl:
                egressProxy === undefined ? undefined : namespace.apply((own) => proxyUrl(`${own}-system`)),
            }),
            { parent: this, dependsOn: [...walls, ...passed("provisioner")] },
          );
    if (provisioner !== undefined && egressProxy !== undefined && service !== undefined) {
      const proxy = egressProxyArgs(args, { egressProxy, provisioner }, namespace, service.systemNamespace);
      new EgressProxy(names.egressProxy, proxy, { parent: this, dependsOn: passed("provisioner") });
    }

    this.namespace = namespace;
    this.deploymentName = deployment.deploymentName;
    this.serviceName = deployment.serviceName;
    this.serviceUrl = deployment.serviceUrl;
    this.nodePort = deployment.nodePort;
    this.runtimeClassName = pulumi.output(runtime?.runtimeClassName);
    this.userDataClaimName = pulumi.output(userData?.claimName);
    this.egressProfiles = network.egressProfiles;
    this.provisionerNamespace = pulumi.output(service?.systemNamespace);
    this.provisionerUrl = pulumi.output(service?.serviceUrl);
    this.provisionerApiKey = pulumi.output(service?.apiKey);
    this.registerOutputs({
      namespace: this.namespace,
      deploymentName: this.deploymentName,
      serviceName: this.serviceName,
      serviceUrl: this.serviceUrl,
      nodePort: this.nodePort,
      runtimeClassName: this.runtimeClassName,
      userDataClaimName: this.userDataClaimName,
      egressProfiles: this.egressProfiles,
      provisionerNamespace: this.provisionerNamespace,
      provisionerUrl: this.provisionerUrl,
      provisionerApiKey: this.provisionerApiKey,
    });
  }
}
