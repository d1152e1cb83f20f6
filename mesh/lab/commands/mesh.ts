import { CliError } from '../../local/cli/cli-error.ts';
import type { Command } from '../../local/cli/command.ts';
import { down } from './down.ts';
import { runInside } from './inside.ts';
import { kubectl } from './kubectl.ts';
import { logs } from './logs.ts';
import { status } from './status.ts';
import { test } from './test.ts';
import { up } from './up.ts';

export const command: Command = {
  usage: `usage: ./oxo mesh up
       ./oxo mesh test [--retry] [text …]
       ./oxo mesh status
       ./oxo mesh logs POD [container] [-f]
       ./oxo mesh kubectl …
       ./oxo mesh down

A real Kubernetes API and a real Istio on this machine, without containers, for the manifests of mesh/kubernetes and mesh/istio: etcd,
kube-apiserver, the controller manager, istiod with its injector, and Envoy as sidecars. Pods are processes, each in a network namespace of
its own; Postgres, Redis and NATS run outside the mesh. It needs root, touches nothing but its own namespaces, .oxo/mesh and the cache, and
has nothing to do with a stack that ./oxo up has started.

  up       builds what is missing (once, a quarter of an hour or more), starts everything, and returns when all pods are ready
  test     proves by real traffic what the mesh promises; with texts, only the cases whose file name holds one;
           --retry tries a case that fails once more, and shows both
  status   pods, restarts, the age of their certificates, what is wrong and the next step
  logs     what a container of a pod says; POD may be the beginning of its name
  kubectl  any command of kubectl, as administrator of the lab
  down     stops everything, and removes its namespaces and files; can be said again`,
  run,
};

/** Those that ask the API server, which only the node's namespace reaches. */
const insiders: Readonly<Record<string, (argv: readonly string[]) => Promise<number>>> = { status, kubectl, test };
const outsiders: Readonly<Record<string, (argv: readonly string[]) => Promise<number>>> = { up, down, logs };

async function run(argv: readonly string[]): Promise<number> {
  const [name = '', ...rest] = argv;
  const outsider = Object.hasOwn(outsiders, name) ? outsiders[name] : undefined;
  if (outsider !== undefined) return outsider(rest);
  const insider = Object.hasOwn(insiders, name) ? insiders[name] : undefined;
  if (insider !== undefined) return runInside(name, rest, insider);
  throw new CliError('say ./oxo mesh up, test, status, logs, kubectl or down', {
    exitCode: 2,
    advice: ['./oxo mesh --help'],
  });
}
