import { networkInterfaces } from "node:os";

/** An address of this machine that is not loopback, which no rule opens; undefined where there is none. It stands for a private server. */
export const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === "IPv4" && !one.internal && /^(?:10|172|192)\./.test(one.address))?.address;
