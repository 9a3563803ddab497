// The process: reads its environment, listens, and ends in order when it is told to.
import { readSettings } from "./config/settings.js";
import { buildLog } from "./log.js";
import { endBySignal, run } from "./process.js";
import { startProvisioner } from "./provisioner.js";

run("provisioner", async () => {
  const settings = readSettings(process.env);
  const log = buildLog(settings.LOG_LEVEL);
  const endBy = endBySignal(log);
  const provisioner = await startProvisioner(settings, log);
  endBy(() => provisioner.stop());
  await provisioner.metrics.listen({ host: settings.HOST, port: settings.METRICS_PORT });
  await provisioner.app.listen({ host: settings.HOST, port: settings.PORT });
});
