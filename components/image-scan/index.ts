// An image that must have no known vulnerability before anything runs it.
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import type { ImageScanArgs } from "./args";
import { resolve } from "./resolve";
import { atLeast, ignoreFile, scanScript } from "./trivy";

/**
 * Scans an image with Trivy, on the machine where the engine runs and as the user whom its docker client is logged in as. The
 * component is complete only if nothing was found that counts: what depends on it is not deployed otherwise. It is scanned again for
 * another image or other options, not by each update: vulnerabilities that become known later are found by scanning on a schedule.
 */
export class ImageScan extends pulumi.ComponentResource {
  /** The image, known when it has passed. */
  public readonly image: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: ImageScanArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:ImageScan", name, settings, opts);

    const scan = new command.local.Command(
      `${name}-trivy`,
      {
        // An error repeats what was run: this is short, so that what the script says of the image is not lost in it.
        create: 'sh -c "$SCAN"',
        environment: {
          SCAN: scanScript,
          IMAGE: settings.image,
          SOURCES: settings.fromDocker ? "docker,remote" : "remote",
          SEVERITIES: atLeast(settings.severity),
          ACCEPTED: ignoreFile(settings.accepted),
          ...(settings.unfixed ? { UNFIXED: "1" } : {}),
          ...(settings.endOfLife ? { END_OF_LIFE: "1" } : {}),
          ...(settings.database === undefined ? {} : { DATABASE: settings.database }),
        },
        addPreviousOutputInEnv: false,
        // What was found is told once, by the error.
        logging: command.local.Logging.None,
      },
      { parent: this },
    );
    this.image = scan.stdout.apply((text) => text.trim());
    this.registerOutputs({ image: this.image });
  }
}
