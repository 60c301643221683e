/** The listed sessions: pages by cursor, and the first page again every few seconds. */

import { type ApiClient, ApiFailure } from '../api/client';
import type { ListedSession } from '../api/models';
import { Observable } from '../ui/observable';

export interface ListState {
  sessions: ListedSession[];
  total: number;
  cursor: string | null;
  isLoading: boolean;
  failure: ApiFailure | null;
  /** Whether the last look for news failed. */
  isStale: boolean;
  now: number;
}

const POLL_MILLISECONDS = 4000;
const PAGE = 50;

export class SessionListing extends Observable<ListState> {
  #timer = 0;
  readonly #abort = new AbortController();

  constructor(
    private readonly client: ApiClient,
    private readonly filters: URLSearchParams,
  ) {
    super({
      sessions: [],
      total: 0,
      cursor: null,
      isLoading: false,
      failure: null,
      isStale: false,
      now: Date.now(),
    });
  }

  start(): void {
    document.addEventListener('visibilitychange', this.#look);
    void this.loadMore();
  }

  stop(): void {
    clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.#look);
    this.#abort.abort();
  }

  /** Read the next page, or the first one. */
  async loadMore(): Promise<void> {
    if (this.state.isLoading) return;
    this.set({ isLoading: true, failure: null });
    try {
      const page = await this.#fetch(this.state.cursor);
      const known = new Set(this.state.sessions.map((session) => session.sessionId));
      const more = page.sessions.filter((session) => !known.has(session.sessionId));
      const sessions = [...this.state.sessions, ...more];
      this.set({ sessions, total: page.total, cursor: page.cursor ?? null, now: Date.now() });
    } catch (failure) {
      if (failure instanceof ApiFailure) this.set({ failure });
    }
    this.set({ isLoading: false });
    this.#schedule(POLL_MILLISECONDS);
  }

  #fetch(cursor: string | null) {
    const query = new URLSearchParams(this.filters);
    query.set('limit', String(PAGE));
    if (cursor) query.set('cursor', cursor);
    return this.client.listSessions(query, this.#abort.signal);
  }

  #schedule(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(this.#look, milliseconds);
  }

  /** Look for news, unless nobody sees the list. */
  #look = async (): Promise<void> => {
    clearTimeout(this.#timer);
    if (document.hidden || this.#abort.signal.aborted) return;
    let wait = POLL_MILLISECONDS;
    try {
      if (!this.state.isLoading && !this.state.failure) this.#merge(await this.#fetch(null));
      this.set({ isStale: false });
    } catch (failure) {
      if (!(failure instanceof ApiFailure)) return;
      this.set({ isStale: true });
      wait = Math.max(wait, 1000 * failure.retryAfter);
    }
    this.#schedule(wait);
  };

  /** Put the first page in the place of what it covers. */
  #merge(page: { sessions: ListedSession[]; total: number; cursor?: string }): void {
    const fresh = new Set(page.sessions.map((session) => session.sessionId));
    const { sessions } = this.state;
    const last = page.sessions.at(-1)?.sessionId;
    const place = sessions.findIndex((session) => session.sessionId === last);
    // Behind the first page's last session nothing has changed its place.
    const rest = page.cursor ? sessions.slice(place + 1) : [];
    const older = rest.filter((session) => !fresh.has(session.sessionId));
    const cursor = older.length ? this.state.cursor : (page.cursor ?? null);
    const merged = [...page.sessions, ...older];
    this.set({ sessions: merged, total: page.total, cursor, now: Date.now() });
  }
}
