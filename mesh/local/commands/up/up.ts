import { CliError, describeError } from '../../cli/cli-error.ts';
import { type Command, parseFlags } from '../../cli/command.ts';
import { readSettings, type Settings } from '../../settings.ts';
import { describeKept, keptVariables, withKept } from '../../stack/kept-settings.ts';
import { maxReplicas } from '../../stack/replicas.ts';
import { stopSupervisor } from '../../supervisor/orphans.ts';
import { identify } from '../../supervisor/proc.ts';
import { readLiveState } from '../../supervisor/state.ts';
import { type Begun, start } from './start.ts';

/** Exit codes of whom a signal ends. */
const interruptions = { SIGINT: 130, SIGTERM: 143 };

export const command: Command = {
  usage: `usage: ./oxo up [--replicas N] [--servers] [--observability | --no-observability]

Fetches what is missing, starts the servers, migrates, starts the services and the front door, and returns when every service says
that it can work, and a post has been seen in a feed through the front door. They go on running, supervised: what dies is started again.

Where services of another version run already, the tables are migrated beside them, then one process after the other is
replaced; with --replicas 2 or more no request is refused, with one of each its requests fail until the new one is ready. Servers
(Postgres, Redis, NATS) go on as they are; new settings or versions of them need ./oxo down first.

  --replicas N  so many processes of every service, 1 to ${maxReplicas}, behind the front door (1)
  --observability, --no-observability
                Prometheus, its exporters, and what keeps traces and shows them with dashboards (./oxo trace), also on a
                stack that runs; until the other is said, or ./oxo down
  --servers     only Postgres, Redis and NATS with all users and streams, to run services by hand (./oxo migrate first)

settings (environment variables; what a stack runs with is kept unless another value is given, until it is stopped by ./oxo down)
  OXO_PORT_BASE     port of the front door (8080); all other ports follow from it
  OXO_REPLICAS      what --replicas says, when it is not given (1)
  OXO_STATE_DIR     data, logs and secrets (.oxo)
  OXO_CACHE_DIR     fetched servers (~/.cache/oxo)
  OXO_PUBLIC_URL    where clients reach the front door (http://127.0.0.1:<port base>)
  OXO_CORS_ORIGINS  origins whose pages may call the API, separated by commas, or none (*)
  OXO_TRUSTED_HOPS  proxies in front whose X-Forwarded-For is believed (0)
  OXO_MAX_PUSHED_FOLLOWERS
                    authors with more followers are pulled: their posts are not pushed, readers look for them (10000)
  OXO_RATE_LIMITS   local, production, or a file with what differs from production (local; gateway/envoy/README.md)
  DATABASE_URL, REDIS_URL, LIMITS_REDIS_URL, NATS_URL
                    servers that you have already, with an administrator's user (in Postgres one with CREATEDB and
                    CREATEROLE suffices, in Redis one who may do ACL SETUSER); they are used instead of ours
  MAIL_SMTP_URL     where mails are sent from, smtp:// or smtps:// (without it they are caught and shown on a page)
  MAIL_FROM         whom they come from (OXO <no-reply@localhost.localdomain>)
  KEY_PUBLISHED_FOR_MS
                    how long a signing key is published before it signs (1800000)
  KEY_ROTATE_AFTER_DAYS
                    how long it signs before another takes its turn (90; 0: until ./oxo keys rotate)
  OXO_OBSERVABILITY what --observability says, when neither flag is given: on or off (off)
  OTEL_EXPORTER_OTLP_ENDPOINT
                    a collector of yours, which gets the traces (with --observability, the one that ./oxo trace asks)
  OTEL_TRACES_SAMPLER_ARG
                    share of the requests that are traced, 0 to 1 (1; 0.01 with a collector of yours)
  OXO_TRUST_TRACEPARENT
                    whether a request's own traceparent says of which trace it is, and that it is traced: on where only
                    callers of yours come, or a proxy in front takes it from strangers (off)
  LOG_LEVEL         of the services`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, {
    servers: { type: 'boolean', default: false },
    replicas: { type: 'string' },
    observability: { type: 'boolean' },
    'no-observability': { type: 'boolean' },
  });
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...readReplicas(values.replicas),
    ...readObservability(values.observability, values['no-observability']),
  };
  const kept = keptVariables(readSettings(env).stateDir);
  const settings = readSettings(withKept(kept, env));
  const wanted = {
    serversOnly: values.servers,
    replicas: env.OXO_REPLICAS ? settings.replicas : undefined,
    about: describeKept(kept, env),
  };
  const begun: Begun = { supervisor: undefined, roll: 'none', givenUp: undefined };
  for (const [name, exitCode] of Object.entries(interruptions)) {
    process.once(name, () => {
      begun.givenUp ??= giveUp(begun, settings)
        .catch((error) => console.error(`oxo: ${describeError(error)}`))
        .then(() => process.exit(exitCode));
    });
  }
  try {
    await start(settings, wanted, begun);
    return 0;
  } finally {
    // Whatever went wrong meanwhile came from that.
    await begun.givenUp;
  }
}

/** Says what happens to what was begun, and stops it. */
async function giveUp({ supervisor, roll }: Begun, settings: Settings): Promise<void> {
  const identity = supervisor?.pid === undefined ? undefined : identify(supervisor.pid);
  if (identity !== undefined) {
    console.error('oxo: interrupted; stopping what was begun');
    await stopSupervisor(identity);
    console.error('oxo: stopped; data stays, ./oxo up starts again');
  } else if (roll === 'begun') {
    console.error('oxo: interrupted; the roll goes on in the background (./oxo status)');
  } else if (roll === 'prepared') {
    console.error('oxo: interrupted; nothing was replaced, ./oxo up begins again');
  } else if (readLiveState(settings.stateDir) !== undefined) {
    console.error('oxo: interrupted; the stack was started by another up and goes on (./oxo down stops it)');
  } else {
    console.error('oxo: interrupted; nothing was started');
  }
}

function readObservability(on = false, off = false): { OXO_OBSERVABILITY?: string } {
  if (on && off) throw new CliError('--observability or --no-observability, not both', { exitCode: 2 });
  return on || off ? { OXO_OBSERVABILITY: on ? 'on' : 'off' } : {};
}

/** The flag as the variable that it stands for. */
function readReplicas(flag: string | undefined): { OXO_REPLICAS?: string } {
  if (flag === undefined) return {};
  if (/^\d+$/.test(flag) && Number(flag) >= 1 && Number(flag) <= maxReplicas) return { OXO_REPLICAS: flag };
  throw new CliError(`--replicas must be a whole number from 1 to ${maxReplicas}, not "${flag}"`, { exitCode: 2 });
}
