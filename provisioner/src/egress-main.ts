// The process of the egress proxy, which serves untrusted code and so shares nothing with the provisioner but the cluster.
import { once } from "node:events";

import { readEgressSettings } from "./config/settings.js";
import { startEgress } from "./egress/service.js";
import { buildLog } from "./log.js";
import { endBySignal, run } from "./process.js";

run("egress", async () => {
  const settings = readEgressSettings(process.env);
  const log = buildLog(settings.LOG_LEVEL);
  const endBy = endBySignal(log);
  const service = await startEgress(settings, log);
  endBy(() => service.stop());
  const { server } = service.proxy;
  server.listen(settings.PORT, settings.HOST);
  await once(server, "listening");
  log.info({ address: server.address() }, "listening");
  await service.health.listen({ host: settings.HOST, port: settings.HEALTH_PORT });
});
