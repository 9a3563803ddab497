// The process: reads its environment, listens, and ends in order when it is told to.
import { SettingsError } from "./config/errors.js";
import { readSettings } from "./config/settings.js";
import { buildLog } from "./log.js";
import { startProvisioner } from "./provisioner.js";

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const log = buildLog(settings.LOG_LEVEL);
  const provisioner = await startProvisioner(settings, log);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      log.info({ signal }, "stopping");
      provisioner.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, "did not stop in order");
          process.exit(1);
        },
      );
    });
  }
  await provisioner.app.listen({ host: settings.HOST, port: settings.PORT });
}

main().catch((error: unknown) => {
  if (error instanceof SettingsError)
    for (const problem of error.problems) console.error(`provisioner: ${problem}`);
  else console.error(error);
  process.exit(1);
});
