import type { Item } from './item';

/** What the server says to a batch. */
export interface Receipt {
  viewers?: number;
  needFullSnapshot?: boolean;
}

/** What became of a request. */
export type Outcome =
  | { kind: 'stored'; receipt: Receipt }
  | { kind: 'later'; seconds: number }
  | { kind: 'refused'; status: number; code: string; message: string };

const PATIENCE = 60_000;
const TRY_AGAIN = [408, 425, 429];
const fetch = globalThis.fetch?.bind(globalThis); // before the page wraps it

/** Sends requests to one server with one key. */
export class Transport {
  constructor(
    readonly server: string,
    readonly key: string,
  ) {}

  /** Send an item's body once. */
  async send(item: Item, body: string): Promise<Outcome> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    try {
      const answer = await fetch(this.address(item), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-API-Key': this.key },
        body,
        credentials: 'omit',
        signal: abort.signal,
      });
      return await outcomeOf(answer);
    } catch {
      return { kind: 'later', seconds: 0 };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Send a body without waiting for an answer; it arrives though the page goes. Tell whether the
   * browser takes it: beyond 64 KB it does not. A plain text needs no preflight. */
  beacon(item: Item, body: string): boolean {
    const address = `${this.address(item)}?apiKey=${encodeURIComponent(this.key)}`;
    try {
      return navigator.sendBeacon(address, body);
    } catch {
      return false;
    }
  }

  /** Return the address where the server tells who watches a session. */
  socketAddress(sessionId: string): string {
    const server = this.server.replace(/^http/, 'ws');
    return `${server}/api/sessions/${sessionId}/ingest?apiKey=${encodeURIComponent(this.key)}`;
  }

  /** Say that the page is still there. */
  async heartbeat(sessionId: string, stats: object): Promise<void> {
    await fetch(`${this.server}/api/sessions/${sessionId}/heartbeat`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-API-Key': this.key },
      body: JSON.stringify({ timestamp: Date.now(), stats }),
      credentials: 'omit',
    }).catch(() => undefined);
  }

  private address(item: Item): string {
    const place = item.path === 'start' ? 'start' : `${item.sessionId}/${item.path}`;
    return `${this.server}/api/sessions/${place}`;
  }
}

async function outcomeOf(answer: Response): Promise<Outcome> {
  const text = await answer.text();
  const json = parse(text);
  if (answer.ok && json.success === true) return { kind: 'stored', receipt: json as Receipt };
  // An answer of 200 that is not the server's comes from something between, such as a hotel's login.
  if (answer.status < 400 || answer.status >= 500 || TRY_AGAIN.includes(answer.status)) {
    return { kind: 'later', seconds: Number(answer.headers.get('Retry-After')) || 0 };
  }
  const code = typeof json.code === 'string' ? json.code : `http_${answer.status}`;
  const message = typeof json.error === 'string' ? json.error : text.slice(0, 200);
  return { kind: 'refused', status: answer.status, code, message };
}

function parse(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
