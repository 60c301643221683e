/** What a page says when it starts the SDK. */
export interface Options {
  /** The app that the sessions belong to. */
  app: string;
  /** An API key with the scope `ingest`: everybody who sees the page can read it. */
  key: string;
  /** Where SpectraView answers; with the script tag, where the script came from. */
  server?: string;
  userId?: string;
  ticketId?: string;
  /** Anything to keep with the session. */
  metadata?: Record<string, unknown>;
  /** Mask what is typed anywhere, not in passwords, card fields and `[data-private]` alone. */
  maskAllInputs?: boolean;
  /** Elements whose text and inputs are masked. */
  maskSelector?: string;
  /** Elements that are left out: a box of their size is recorded. */
  blockSelector?: string;
  /** The part of sessions that is recorded, from 0 to 1. */
  sampling?: number;
  /** Capture errors and unhandled rejections. */
  captureErrors?: boolean;
  /** Seconds without a sign of the user after which nothing is recorded until the next one. */
  idleSeconds?: number;
  /** Seconds between two full snapshots while the page changes: where a replay can begin. */
  snapshotSeconds?: number;
  /** Bytes of unsent events at which recording pauses until the server takes some. */
  maxUnsent?: number;
  /** Keep a WebSocket open that tells at once when somebody watches. */
  listen?: boolean;
  /** Called with what was lost or refused; it is also warned of in the console. */
  onError?: (problem: Problem) => void;
}

/** Something that the page's owner should know. */
export interface Problem {
  /** The server's stable code, or the SDK's: `unsent_limit`, `recorder`. */
  code: string;
  message: string;
  /** Events that are lost by it. */
  lostEvents: number;
}

export type Settings = Required<Omit<Options, 'userId' | 'ticketId'>> & Pick<Options, 'userId' | 'ticketId'>;

/** Return the options with their defaults. Throws when something required is missing. */
export function settingsOf(options: Options): Settings {
  for (const name of ['app', 'key', 'server'] as const) {
    if (!options[name]) throw new TypeError(`SpectraView.init: ${name} is missing`);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    metadata: {},
    maskAllInputs: false,
    maskSelector: '[data-private]',
    blockSelector: '[data-block]',
    sampling: 1,
    captureErrors: true,
    idleSeconds: 300,
    snapshotSeconds: 300,
    maxUnsent: 8 * 1024 * 1024,
    listen: true,
    onError: () => undefined,
    ...(Object.fromEntries(given) as unknown as Options),
    server: options.server!.replace(/\/+$/, ''),
  };
}
