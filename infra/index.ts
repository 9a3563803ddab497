// The Pulumi program's entry.
import { resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "@sandlot/components";

import { describeArguments } from "./config/argument-errors";
import { ConfigError } from "./config/load";
import { deploy } from "./program";

/** A mistake of the user's reaches them as its message alone, without a stack trace. */
function withPlainErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConfigError) throw new pulumi.RunError(error.message);
    if (error instanceof ArgumentError) throw new pulumi.RunError(describeArguments(error));
    throw error;
  }
}

module.exports = withPlainErrors(() => deploy(resolve(__dirname, "..")));
