/** One session as a player sees it: its parts and its live view become one stream of events. */

import { type ApiClient, ApiFailure } from '../api/client';
import type { Keyframe, Manifest, Range, Session, Span } from '../api/models';
import { Observable } from '../ui/observable';
import { RecorderClock } from './clock';
import { disarm } from './disarm';
import { Keyframes } from './keyframes';
import { Loader } from './loader';
import { Marks } from './marks';
import { type Connection, type LiveBatch, LiveSocket } from './socket';
import { EventStore } from './store';

export interface SourceState {
  phase: 'loading' | 'ready' | 'failed';
  failure: ApiFailure | null;
  session: Session | null;
  isLive: boolean;
  connection: Connection | null;
  isDegraded: boolean;
  viewers: number | null;
  start: number | null;
  end: number | null;
  loadedBytes: number;
  totalBytes: number;
  isLoading: boolean;
  buffered: Span[];
  /** Counts on when marks, errors, custom events or console lines have come. */
  revision: number;
}

const EMPTY: SourceState = {
  phase: 'loading',
  failure: null,
  session: null,
  isLive: false,
  connection: null,
  isDegraded: false,
  viewers: null,
  start: null,
  end: null,
  loadedBytes: 0,
  totalBytes: 0,
  isLoading: false,
  buffered: [],
  revision: 0,
};

/** What stands in for a damaged event, so that sequences keep their places. */
const NOTHING = 5;

export class SessionSource extends Observable<SourceState> {
  readonly store = new EventStore();
  readonly marks = new Marks();
  /** The sequence of the next event to come, as far as we know. */
  head = 0;
  onEvents: () => void = () => undefined;
  readonly #keyframes = new Keyframes();
  readonly #clock = new RecorderClock();
  readonly #loader: Loader;
  #socket: LiveSocket | null = null;

  constructor(
    readonly client: ApiClient,
    readonly sessionId: string,
  ) {
    super(EMPTY);
    this.#loader = new Loader(client, sessionId, this.store, {
      onRange: (range) => this.#take(range),
      onProgress: () => this.#progress(),
    });
  }

  async start(): Promise<void> {
    try {
      const asked = this.client.fetchManifest(this.sessionId);
      asked.catch(() => undefined); // told below, or by the session's own failure
      const session = await this.client.getSession(this.sessionId);
      this.set({ session, isLive: session.live, viewers: session.viewers });
      if (session.live) this.#watch();
      await this.#readManifest(await asked);
      this.set({ phase: 'ready' });
    } catch (failure) {
      this.#fail(failure);
    }
  }

  stop(): void {
    this.#loader.stop();
    this.#socket?.stop();
  }

  /** Return the recorder's time, which is where a live session stands. */
  edge(): number {
    return this.#clock.now(this.state.end ?? Date.now(), Date.now());
  }

  /** Have all that is needed to show a moment; return the keyframe to begin from. */
  async load(timestamp: number, isWanted: () => boolean = () => true): Promise<Keyframe | null> {
    const keyframe = this.#keyframes.at(timestamp);
    if (!keyframe) return null;
    const last = this.#loader.lastSequenceAt(timestamp, this.head);
    await this.#loader.load(keyframe.sequence, last, isWanted);
    return this.#keyframes.at(timestamp);
  }

  loadAhead(timestamp: number): void {
    void this.#loader.loadAhead(timestamp);
  }

  async #readManifest(manifest: Manifest | null): Promise<void> {
    if (!manifest) {
      const all = this.#loader.loadAll();
      // A live session shows what comes, and gets its history meanwhile.
      if (this.state.isLive) all.catch((failure) => this.#fail(failure));
      else await all;
      return;
    }
    this.#loader.manifest = manifest;
    this.marks.addManifest(manifest);
    for (const keyframe of manifest.keyframes) this.#keyframes.add(keyframe);
    this.head = Math.max(this.head, manifest.events);
    this.#extend(manifest.startTimestamp, manifest.endTimestamp);
    this.set({ totalBytes: manifest.sizeBytes, revision: this.state.revision + 1 });
  }

  #watch(): void {
    const token = () => this.client.socketToken(this.sessionId);
    this.#socket = new LiveSocket(this.sessionId, token, {
      onConnection: (connection) => {
        this.set({ connection, isLive: connection !== 'ended' && connection !== 'gone' });
      },
      onBatch: (batch, isLive) => this.#takeLive(batch, isLive),
      onViewers: (viewers) => this.set({ viewers }),
      onDegraded: (isDegraded) => this.set({ isDegraded }),
    });
    void this.#socket.start();
  }

  #takeLive(batch: LiveBatch, isLive: boolean): void {
    const newest = batch.events.at(-1);
    if (isLive && newest) this.#clock.measure(newest.timestamp, Date.now());
    this.#take(batch);
  }

  #take(range: Range): void {
    let timestamp = range.events.find((event) => Number(event?.timestamp) > 0)?.timestamp ?? 0;
    const events = range.events.map((event) => {
      const harmless = disarm(event) ?? { type: NOTHING, timestamp, data: {} };
      timestamp = harmless.timestamp;
      return harmless;
    });
    const fresh = this.store.add(range.firstSequence, events);
    this.head = Math.max(this.head, range.firstSequence + events.length);
    for (const { sequence, event } of fresh) {
      if (event.type === 2) this.#keyframes.addSnapshot(this.store, sequence);
    }
    this.marks.addEvents(fresh);
    this.marks.addLists(range.customEvents, range.errors);
    this.#extend(fresh[0]?.event.timestamp ?? null, fresh.at(-1)?.event.timestamp ?? null);
    this.set({ buffered: this.store.spans(), revision: this.state.revision + 1 });
    this.onEvents();
  }

  #extend(from: number | null, to: number | null): void {
    const { start, end } = this.state;
    if (from !== null && from > 0) this.set({ start: Math.min(start ?? from, from) });
    if (to !== null) this.set({ end: Math.max(end ?? to, to) });
  }

  #progress(): void {
    const { loadedBytes, isBusy } = this.#loader;
    this.set({ loadedBytes, isLoading: isBusy });
  }

  #fail(failure: unknown): void {
    if (failure instanceof DOMException && failure.name === 'AbortError') return;
    const told =
      failure instanceof ApiFailure ? failure : new ApiFailure(0, 'unknown', String(failure));
    this.set({ phase: 'failed', failure: told });
  }
}
