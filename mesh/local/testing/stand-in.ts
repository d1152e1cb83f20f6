/** Stands for a service in tests of the supervisor: it is ready, and stops on SIGTERM. */
import { createServer } from 'node:http';

const server = createServer((_, response) => response.end('ready'));
server.listen(Number(process.env.OPS_PORT), process.env.OPS_HOST);
process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
