// The service that hands sandboxes out, in a namespace of its own.
import * as command from "@pulumi/command";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { denyAll } from "../sandbox-network-policies/policies";
import type { ProvisionerArgs } from "./args";
import { apiKeysFile, checkedKey, keyFiles, randomKeyScript, revisionOf } from "./keys";
import {
  apiPort,
  disruptionBudgetArgs,
  metricsPort,
  metricsPortName,
  namespaceArgs,
  policyRules,
  provisionerLabels,
  provisionerName,
  provisionerSelector,
  serviceArgs,
} from "./objects";
import { deploymentArgs } from "./pod";
import { networkPolicies } from "./policies";
import { apiKeyRule, resolve, signingKeyRule, type ProvisionerSettings } from "./resolve";
import { scraping } from "./scraping";

/** The Secret with the keys, and what hangs on them. */
interface Credentials {
  readonly secretName: pulumi.Input<string>;
  readonly keyRevision?: pulumi.Output<string>;
  readonly apiKey?: pulumi.Output<string> | undefined;
}

/**
 * The provisioner: a Deployment behind a Service, with an account that may make and delete pods in the sandboxes' namespace and
 * nothing else. It lives in a namespace of its own, `<namespace>-system`, so that none of the pods that it makes could mount its
 * keys. The Deployment is made last: walls stand before it does.
 */
export class Provisioner extends pulumi.ComponentResource {
  /** The provisioner's namespace. */
  public readonly systemNamespace: pulumi.Output<string>;
  /** The name of the Service. */
  public readonly serviceName: pulumi.Output<string>;
  /** The Service's URL inside the cluster. */
  public readonly serviceUrl: pulumi.Output<string>;
  /** The API key of the tenant `default`, if it was given or made. Secret. */
  public readonly apiKey: pulumi.Output<string | undefined>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: ProvisionerArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:Provisioner", name, settings, opts);

    const namespace = new k8s.core.v1.Namespace(`${name}-namespace`, namespaceArgs(settings), {
      parent: this,
      protect: settings.protect,
    });
    const systemNamespace = namespace.metadata.name;
    const inside: ProvisionerSettings = { ...settings, systemNamespace };
    const policies = this.policies(name, inside);
    const account = new k8s.core.v1.ServiceAccount(
      `${name}-service-account`,
      {
        metadata: { name: provisionerName, namespace: systemNamespace, labels: provisionerLabels },
        automountServiceAccountToken: false,
      },
      { parent: this },
    );
    const role = this.role(name, inside, account.metadata.name);
    const credentials = this.credentials(name, inside);
    const service = new k8s.core.v1.Service(`${name}-service`, serviceArgs(inside), { parent: this });
    const serviceUrl = pulumi.interpolate`http://${service.metadata.name}.${systemNamespace}.svc.cluster.local:${apiPort}`;
    new k8s.apps.v1.Deployment(
      `${name}-deployment`,
      deploymentArgs(inside, {
        serviceAccountName: account.metadata.name,
        secretName: credentials.secretName,
        keyRevision: credentials.keyRevision,
        url: settings.url ?? serviceUrl,
      }),
      {
        parent: this,
        dependsOn: [...policies, role],
        // Its deletion waits for pods with work under way.
        customTimeouts: { delete: `${settings.terminationGracePeriodSeconds + 300}s` },
      },
    );
    if (settings.replicas > 1)
      new k8s.policy.v1.PodDisruptionBudget(`${name}-disruption-budget`, disruptionBudgetArgs(inside), {
        parent: this,
      });
    if (settings.metrics !== undefined) {
      const scraped = {
        ...{ service: provisionerName, namespace: systemNamespace, selector: provisionerSelector },
        ...{ port: metricsPort, portName: metricsPortName },
      };
      scraping(name, scraped, settings.metrics, this);
    }

    this.systemNamespace = systemNamespace;
    this.serviceName = service.metadata.name;
    this.serviceUrl = serviceUrl;
    this.apiKey = credentials.apiKey ?? pulumi.output(undefined);
    this.registerOutputs({
      systemNamespace: this.systemNamespace,
      serviceName: this.serviceName,
      serviceUrl: this.serviceUrl,
      apiKey: this.apiKey,
    });
  }

  private policies(name: string, settings: ProvisionerSettings): k8s.networking.v1.NetworkPolicy[] {
    const { namespace, systemNamespace } = settings;
    const specs = pulumi
      .all([namespace, systemNamespace])
      .apply(([home, system]) =>
        networkPolicies(settings, { namespace: home, systemNamespace: system }).map(({ spec }) => spec),
      );
    // Which policies there are does not hang on what namespaces are called.
    const known = networkPolicies(settings, { namespace: "", systemNamespace: "" });
    return known.map(
      ({ suffix, side }, i) =>
        new k8s.networking.v1.NetworkPolicy(
          `${name}-${side === "system" ? "" : "sandbox-"}${suffix}`,
          {
            metadata: {
              name: `${provisionerName}-${suffix}`,
              namespace: side === "system" ? systemNamespace : namespace,
              labels: provisionerLabels,
            },
            spec: specs.apply((all) => all[i] ?? denyAll()),
          },
          { parent: this },
        ),
    );
  }

  /** What the provisioner's account may do in the sandboxes' namespace. */
  private role(
    name: string,
    settings: ProvisionerSettings,
    account: pulumi.Output<string>,
  ): k8s.rbac.v1.RoleBinding {
    const { namespace, systemNamespace } = settings;
    const metadata = { name: provisionerName, namespace, labels: provisionerLabels };
    const role = new k8s.rbac.v1.Role(
      `${name}-role`,
      { metadata, rules: policyRules(settings) },
      { parent: this },
    );
    return new k8s.rbac.v1.RoleBinding(
      `${name}-role-binding`,
      {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: account, namespace: systemNamespace }],
      },
      { parent: this },
    );
  }

  /** The keys that were given or made, in a Secret; or the Secret that somebody else makes. */
  private credentials(name: string, settings: ProvisionerSettings): Credentials {
    const { existingSecret, generateKeys, tenants, rateLimit, systemNamespace } = settings;
    if (existingSecret !== undefined) return { secretName: existingSecret };
    const key = (
      what: string,
      given: pulumi.Input<string> | undefined,
      rule: typeof apiKeyRule,
    ): pulumi.Output<string> | undefined => {
      const value = given ?? (generateKeys ? this.randomKey(`${name}-${what}`) : undefined);
      return value === undefined ? undefined : checkedKey(what.replace("-", " "), value, rule);
    };
    const apiKey = key("api-key", settings.apiKey, apiKeyRule);
    const signingKey = pulumi.output(key("signing-key", settings.signingKey, signingKeyRule));
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const secret = new k8s.core.v1.Secret(
      `${name}-keys`,
      {
        metadata: { name: "provisioner-keys", namespace: systemNamespace, labels: provisionerLabels },
        type: "Opaque",
        data: pulumi.secret({
          [keyFiles.apiKeys]: pulumi
            .output(apiKey)
            .apply((known) => base64(apiKeysFile(known, tenants, rateLimit))),
          [keyFiles.signingKey]: signingKey.apply((known) => base64(known ?? "")),
        }),
      },
      { parent: this },
    );
    return {
      secretName: secret.metadata.name,
      // A hash of 256 random bits tells nothing of them, and pods must be replaced when they change.
      keyRevision: pulumi.unsecret(signingKey.apply((known) => revisionOf(known ?? ""))),
      apiKey,
    };
  }

  /** A key that is made once and stays in the stack's state, encrypted. */
  private randomKey(name: string): pulumi.Output<string> {
    const made = new command.local.Command(
      name,
      // It goes into no log, and into no later command's environment.
      { create: randomKeyScript, logging: command.local.Logging.None, addPreviousOutputInEnv: false },
      { parent: this, additionalSecretOutputs: ["stdout"] },
    );
    return pulumi.secret(made.stdout);
  }
}
