// Serves better-auth with one process for each of two cores.
import cluster from "node:cluster";
import { createServer } from "node:http";

const WORKERS = 2;

if (cluster.isPrimary) {
  for (let worker = 0; worker < WORKERS; worker++) {
    cluster.fork();
  }
  process.on("SIGTERM", () => process.exit(0));
} else {
  const { toNodeHandler } = await import("better-auth/node");
  const { auth } = await import("./auth.js");
  const [host, port] = process.env.ADDRESS.split(":");
  const server = createServer(toNodeHandler(auth));
  server.keepAliveTimeout = 60_000;
  server.listen(Number(port), host);
  process.on("disconnect", () => process.exit(0));
}
