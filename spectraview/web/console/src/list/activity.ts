/** Fetches the activity of sessions that are seen in the list, a few at a time. */

import type { ApiClient } from '../api/client';

const AT_ONCE = 2;

/** What a row shows beyond what the list tells. */
export interface Glance {
  counts: number[];
  page: string | null;
}

export class ActivityReader {
  readonly #known = new Map<string, Promise<Glance | null>>();
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;
  #isOffered = true;

  constructor(private readonly client: ApiClient) {}

  /** Return how active the user was, and on which page first; null if nobody can tell. */
  read(sessionId: string, events: number): Promise<Glance | null> {
    const name = `${sessionId} ${events}`;
    const known = this.#known.get(name);
    if (known) return known;
    const read = new Promise<Glance | null>((resolve) => {
      this.#waiting.push(async () => resolve(await this.#fetch(sessionId)));
    });
    this.#known.set(name, read);
    void this.#work();
    return read;
  }

  async #work(): Promise<void> {
    if (this.#running >= AT_ONCE) return;
    this.#running++;
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) await next();
    this.#running--;
  }

  async #fetch(sessionId: string): Promise<Glance | null> {
    if (!this.#isOffered) return null;
    try {
      const manifest = await this.client.fetchManifest(sessionId);
      this.#isOffered = manifest !== null;
      if (!manifest) return null;
      return { counts: manifest.activity?.counts ?? [], page: manifest.pages[0]?.href ?? null };
    } catch {
      return null;
    }
  }
}
