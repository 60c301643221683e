import { settle, settleNow, type Item } from './item';
import type { Store } from './store';
import type { Outcome, Receipt, Transport } from './transport';

/** What a queue tells. */
export interface QueueEvents {
  stored(item: Item, receipt: Receipt, bytes: number): void;
  refused(item: Item, outcome: Extract<Outcome, { kind: 'refused' }>): void;
  /** Nothing waits any more. */
  empty(): void;
}

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
const BEACON = 60_000;

/** Sends items in their order, one at a time, each until there is an answer. */
export class Queue {
  private readonly items: Item[] = [];
  private readonly kept = new WeakSet<Item>();
  private running = false;
  private opened = false;
  private attempts = 0;
  private wake: (() => void) | null = null;

  constructor(
    private readonly transport: Transport,
    private readonly store: Store,
    private readonly events: QueueEvents,
    earlier: Promise<Item[]>,
  ) {
    void earlier.then((items) => this.open(items));
  }

  get length(): number {
    return this.items.length;
  }

  /** Return the characters of all that waits. */
  get size(): number {
    return this.items.reduce((sum, item) => sum + (item.body?.length ?? item.contents?.bytes ?? 0), 0);
  }

  push(...items: Item[]): void {
    this.items.push(...items);
    if (this.opened && !this.running) void this.run();
  }

  /** Begin to send, with what earlier pages have not sent before all else. */
  private open(earlier: Item[]): void {
    const known = new Set(this.items.map((item) => item.number));
    this.items.unshift(...earlier.filter((item) => !known.has(item.number)));
    this.items.sort((one, other) => one.number - other.number);
    this.opened = true;
    if (this.items.length) void this.run();
  }

  /** Try again at once, unless the server has said when. */
  hurry(): void {
    this.attempts = 0;
    this.wake?.();
  }

  /** Forget the items of a session that takes nothing more; return how many events they held. */
  drop(sessionId: string): number {
    let events = 0;
    for (const item of this.items.splice(0)) {
      if (item.sessionId === sessionId) {
        events += item.events;
        void this.store.forget(item);
      } else this.items.push(item);
    }
    return events;
  }

  /** Send what goes into one beacon, from the front; return all that has no answer. */
  leave(): Item[] {
    this.items.forEach((item) => {
      settleNow(item);
      void this.keep(item);
    });
    const batches: Item[] = [];
    let size = this.opened ? 20 : BEACON;
    for (const item of this.items) {
      if (item.path !== 'events') {
        size += this.beaconed(item);
        continue;
      }
      size += byteLength(item.body!) + 1;
      // What does not fit stays, and so does all behind it: order is kept.
      if (size > BEACON || item.sessionId !== (batches[0] ?? item).sessionId) break;
      batches.push(item);
    }
    const first = batches[0];
    if (first) this.transport.beacon(first, `{"batches":[${batches.map((item) => item.body).join()}]}`);
    return [...this.items];
  }

  private beaconed(item: Item): number {
    return this.transport.beacon(item, item.body!) ? byteLength(item.body!) : 0;
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let item = this.items[0]; item; item = this.items[0]) {
      const body = await settle(item);
      void this.keep(item);
      const outcome = await this.transport.send(item, body);
      if (outcome.kind === 'later') await this.pause(outcome.seconds);
      else this.done(item, outcome, body.length);
    }
    this.running = false;
    this.events.empty();
  }

  private done(item: Item, outcome: Exclude<Outcome, { kind: 'later' }>, bytes: number): void {
    this.attempts = 0;
    if (this.items[0] === item) this.items.shift();
    void this.store.forget(item);
    if (outcome.kind === 'stored') this.events.stored(item, outcome.receipt, bytes);
    else this.events.refused(item, outcome);
  }

  private async keep(item: Item): Promise<void> {
    if (this.kept.has(item)) return;
    this.kept.add(item);
    const { contents: _, ...kept } = item;
    await this.store.put({ ...kept, server: this.transport.server, key: this.transport.key });
  }

  /** Wait a random part of twice as long as before: many pages that wait must not come back at once. */
  private async pause(seconds: number): Promise<void> {
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.attempts++);
    const delay = seconds * 1000 + Math.random() * longest;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay);
      if (seconds) return;
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
