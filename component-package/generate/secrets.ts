// Which fields SDKs keep secret on their own: `<Class>.<output>` and `<Interface>.<field>`.

/** Each must be there. */
export const secretFields: readonly string[] = [
  "K3sCluster.kubeconfig",
  "Provisioner.apiKey",
  "SandboxPlatform.provisionerApiKey",
  "ProvisionerOptions.apiKey",
  "ProvisionerOptions.signingKey",
  "RegistryCredentials.password",
];
