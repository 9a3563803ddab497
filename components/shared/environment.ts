// Environment variables as Docker takes them.
import * as pulumi from "@pulumi/pulumi";

import { isDeferred } from "./checks";

/** `NAME=value`, plain if the value is. */
export function environmentEntry(name: string, value: pulumi.Input<string>): pulumi.Input<string> {
  return isDeferred(value) ? pulumi.interpolate`${name}=${value}` : `${name}=${value as string}`;
}
