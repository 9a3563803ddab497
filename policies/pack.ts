// The policy pack that the engine runs in previews and updates (start.cjs). Constructing it starts its server, so that rules live
// in files of their own, where tests can reach them.
import { PolicyPack } from "@pulumi/policy";

import { rules } from "./rules";

new PolicyPack("sandlot", {
  displayName: "Sandlot",
  description: "What must hold for every stack that runs sandboxes",
  policies: rules,
});
