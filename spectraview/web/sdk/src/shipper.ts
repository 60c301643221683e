import { about } from './about';
import { Buffer } from './buffer';
import type { Contents, Item } from './item';
import { sendLeftovers } from './leftovers';
import type { Settings } from './options';
import { Pace } from './pace';
import { Queue } from './queue';
import { leaveSession, uuid, type Session } from './session';
import { Store } from './store';
import { Transport, type Outcome, type Receipt } from './transport';

export type Refusal = Extract<Outcome, { kind: 'refused' }>;

/** What the shipper tells. */
export interface ShipperEvents {
  receipt(receipt: Receipt): void;
  refused(item: Item, refusal: Refusal): void;
  /** So much is unsent that nothing more should be recorded; or no longer. */
  overfull(overfull: boolean): void;
}

const SMALL = 50_000;
const LARGEST = 1_000_000;
const STORE_PATIENCE = 5_000;

/** Turns what happens into batches and brings them to the server. */
export class Shipper {
  readonly pace = new Pace();
  readonly transport: Transport;
  /** When the server was last heard of. */
  heardAt = Date.now();
  readonly cost = { events: 0, bytes: 0, sentBytes: 0, batches: 0, milliseconds: 0 };
  private readonly page = uuid().slice(0, 8);
  private readonly buffer = new Buffer();
  private readonly store = new Store();
  private readonly queue: Queue;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private dueAt = Infinity;
  private isOverfull = false;
  private drained: (() => void)[] = [];

  constructor(
    private readonly settings: Settings,
    public session: Session,
    rest: Item[],
    private readonly events: ShipperEvents,
  ) {
    this.transport = new Transport(settings.server, settings.key);
    this.queue = new Queue(
      this.transport,
      this.store,
      {
        stored: (item, receipt, bytes) => this.stored(item, receipt, bytes),
        refused: (item, refusal) => this.events.refused(item, refusal),
        empty: () => this.emptied(),
      },
      this.earlier(session.id),
    );
    this.queue.push(...rest);
  }

  get unsent(): number {
    return this.queue.size + this.buffer.bytes;
  }

  /** Tell the server of the session: at its beginning, and when its user or ticket gets known. */
  begin(): void {
    const { session, settings } = this;
    session.started = true;
    this.request('start', {
      sessionId: session.id,
      appId: settings.app,
      userId: session.userId,
      ticketId: session.ticketId,
      startTime: session.startedAt,
      metadata: { ...about(), ...settings.metadata },
    });
  }

  /** End the session, after all that has happened. */
  end(): void {
    this.seal();
    this.request('end', { endTime: Date.now() });
  }

  /** Take one thing that has happened, as JSON. */
  add(kind: 'events' | 'customEvents' | 'errors', json: string): void {
    this.buffer.add(kind, json);
    this.cost.events += 1;
    this.cost.bytes += json.length;
    const { count, bytes } = this.buffer;
    if (count === 1 || this.pace.isFull(count, bytes)) this.schedule();
    if (this.queue.length) this.checkSize();
  }

  /** Make the next batch at once. */
  hurry(): void {
    this.pace.hurry();
    this.schedule();
  }

  /** The network is back. */
  online(): void {
    this.queue.hurry();
  }

  /** Look anew at when the next batch is due. */
  schedule(): void {
    const { count, bytes, since } = this.buffer;
    if (!count) return;
    // While one batch is on its way the next one grows: fewer requests, and few to send again.
    if (this.queue.length && bytes < LARGEST) return;
    const wait = this.queue.length ? 0 : this.pace.wait(count, bytes, since);
    if (wait <= 0) return this.seal();
    if (Date.now() + wait >= this.dueAt) return;
    clearTimeout(this.timer);
    this.dueAt = Date.now() + wait;
    this.timer = setTimeout(() => {
      this.dueAt = Infinity;
      this.schedule();
    }, wait);
  }

  /** Forget what waits for a session that takes nothing more; return how many events are lost. */
  drop(sessionId: string): number {
    const buffered = sessionId === this.session.id ? this.buffer.take('').events.length : 0;
    return this.queue.drop(sessionId) + buffered;
  }

  /** The page goes: send what a beacon takes, and leave all without an answer to the next page. */
  leave(): void {
    this.cancelTimer();
    this.buffer.takeSmall(() => this.head(), SMALL).forEach((contents) => this.pushBatch(contents));
    leaveSession(this.settings.app, this.session, this.queue.leave());
  }

  /** Return when nothing waits any more. */
  async empty(): Promise<void> {
    if (this.queue.length) await new Promise<void>((resolve) => this.drained.push(resolve));
  }

  cancelTimer(): void {
    clearTimeout(this.timer);
    this.dueAt = Infinity;
  }

  /** Make a batch of all that has happened. */
  seal(): void {
    this.cancelTimer();
    if (!this.buffer.count) return;
    const begun = performance.now();
    this.pace.made();
    this.pushBatch(this.buffer.take(this.head()));
    this.cost.milliseconds += performance.now() - begun;
    this.checkSize();
  }

  private pushBatch(contents: Contents): void {
    const events = contents.events.length;
    this.push({ path: 'events', body: null, events, contents });
  }

  private request(path: 'start' | 'end', body: object): void {
    this.push({ path, body: JSON.stringify(body), events: 0 });
  }

  private push(made: Pick<Item, 'path' | 'body' | 'events' | 'contents'>): void {
    const { session } = this;
    this.queue.push({ ...made, sessionId: session.id, number: session.next++, at: Date.now() });
  }

  private head(): string {
    const { session, settings } = this;
    const head = {
      sessionId: session.id,
      appId: settings.app,
      userId: session.userId,
      metadata: { batchId: `${this.page}-${session.next}` },
    };
    return JSON.stringify(head).slice(1, -1);
  }

  private stored(item: Item, receipt: Receipt, bytes: number): void {
    this.heardAt = Date.now();
    this.checkSize();
    if (item.path !== 'events') return;
    this.cost.batches += 1;
    this.cost.sentBytes += bytes;
    if (item.sessionId === this.session.id) this.events.receipt(receipt);
  }

  private emptied(): void {
    this.schedule();
    this.drained.splice(0).forEach((done) => done());
  }

  private checkSize(): void {
    const { maxUnsent } = this.settings;
    const overfull = this.unsent > (this.isOverfull ? maxUnsent / 2 : maxUnsent);
    if (overfull === this.isOverfull) return;
    this.isOverfull = overfull;
    this.events.overfull(overfull);
  }

  /** Return what the tab's earlier pages have not sent; what other tabs have left goes its own way. */
  private async earlier(sessionId: string): Promise<Item[]> {
    // A browser that is too busy to open its database must not keep the page from sending.
    const late = new Promise<[]>((resolve) => setTimeout(() => resolve([]), STORE_PATIENCE));
    const kept = await Promise.race([this.store.all(), late]);
    sendLeftovers(kept, sessionId, this.store);
    return kept.filter((item) => item.sessionId === sessionId);
  }
}
