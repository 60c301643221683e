/** Fetches the parts of a session that somebody wants to see, each once. */

import { type ApiClient, ApiFailure } from '../api/client';
import type { Manifest, Part, Range } from '../api/models';
import { smallParts } from './parts';
import type { EventStore } from './store';

const ALL_BELOW = 48 * 1024 * 1024;
const AHEAD_MILLISECONDS = 60_000;
const ATTEMPTS = 4;

export interface LoaderListener {
  onRange(range: Range): void;
  onProgress(): void;
}

export class Loader {
  loadedBytes = 0;
  readonly #abort = new AbortController();
  readonly #underWay = new Map<string, Promise<void>>();
  #parts: Part[] = [];
  #sizeBytes = 0;
  #isAhead = false;
  #all: Promise<void> | null = null;

  constructor(
    private readonly client: ApiClient,
    private readonly sessionId: string,
    private readonly store: EventStore,
    private readonly listener: LoaderListener,
  ) {}

  set manifest(manifest: Manifest) {
    this.#parts = smallParts(manifest);
    this.#sizeBytes = manifest.sizeBytes;
  }

  get isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Fetch the whole session: without a manifest nobody knows its parts. */
  loadAll(): Promise<void> {
    this.#all ??= this.#once(null);
    return this.#all;
  }

  /** Fetch what is missing between two sequences, piece by piece. */
  async load(first: number, last: number, isWanted: () => boolean): Promise<void> {
    if (this.#all) return this.#all;
    for (const [from, to] of this.store.missing(first, last)) {
      for (const piece of this.#pieces(from, to)) {
        if (!isWanted()) return;
        await this.#once(piece);
      }
    }
  }

  /** Return the last sequence that has to be here to show a moment. */
  lastSequenceAt(timestamp: number, head: number): number {
    const part = this.#parts.find((part) => part.endTimestamp >= timestamp);
    return part?.lastSequence ?? head - 1;
  }

  /** Fetch the next missing part after a moment: of a small session all, else what comes soon. */
  async loadAhead(timestamp: number): Promise<void> {
    if (this.#isAhead || this.isBusy) return;
    const isSmall = this.#sizeBytes <= ALL_BELOW;
    const soon = isSmall ? Number.POSITIVE_INFINITY : timestamp + AHEAD_MILLISECONDS;
    const missing = this.#parts.filter(
      (part) =>
        part.startTimestamp <= soon &&
        this.store.missing(part.firstSequence, part.lastSequence).length,
    );
    const next = missing.find((part) => part.endTimestamp >= timestamp);
    const part = next ?? (isSmall ? missing[0] : undefined);
    if (!part) return;
    this.#isAhead = true;
    // What fails here is tried again when it is needed.
    await this.load(part.firstSequence, part.lastSequence, () => true).catch(() => undefined);
    this.#isAhead = false;
  }

  #pieces(from: number, to: number): { first: number; last: number }[] {
    const pieces = [];
    let first = from;
    for (const part of this.#parts) {
      if (part.lastSequence < first || first > to) continue;
      const last = Math.min(part.lastSequence, to);
      pieces.push({ first, last });
      first = last + 1;
    }
    if (first <= to) pieces.push({ first, last: to });
    return pieces;
  }

  #once(piece: { first: number; last: number } | null): Promise<void> {
    const name = piece ? `${piece.first}-${piece.last}` : 'all';
    const running = this.#underWay.get(name);
    if (running) return running;
    const started = this.#fetch(piece).finally(() => {
      this.#underWay.delete(name);
      this.listener.onProgress();
    });
    this.#underWay.set(name, started);
    return started;
  }

  async #fetch(piece: { first: number; last: number } | null): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const before = this.loadedBytes;
      const onBytes = (bytes: number) => {
        this.loadedBytes += bytes;
        this.listener.onProgress();
      };
      try {
        const { signal } = this.#abort;
        this.listener.onRange(await this.client.fetchRange(this.sessionId, piece, onBytes, signal));
        return;
      } catch (failure) {
        this.loadedBytes = before;
        if (this.#abort.signal.aborted || attempt === ATTEMPTS || isFinal(failure)) throw failure;
        await pause(failure, attempt);
      }
    }
  }
}

function isFinal(failure: unknown): boolean {
  if (!(failure instanceof ApiFailure)) return false;
  return failure.status >= 400 && failure.status < 500 && failure.status !== 429;
}

function pause(failure: unknown, attempt: number): Promise<void> {
  const told = failure instanceof ApiFailure ? failure.retryAfter : 0;
  return new Promise((resolve) => setTimeout(resolve, 1000 * (told || 2 ** attempt / 2)));
}
