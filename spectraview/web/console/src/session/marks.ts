/** What a timeline shows: from the manifest, and from events that came after it. */

import type { CustomEvent, Manifest, PageError, RecordedEvent, Span } from '../api/models';

export const IDLE_MILLISECONDS = 10_000;
const RAGE_CLICKS = 3;
const RAGE_MILLISECONDS = 1000;
const RAGE_PIXELS = 30;

export type MarkKind = 'page' | 'click' | 'rageClick' | 'deadClick' | 'error' | 'customEvent';

export interface Mark {
  kind: MarkKind;
  timestamp: number;
  label: string;
}

export interface ConsoleLine {
  sequence: number;
  timestamp: number;
  level: string;
  text: string;
}

/** User activity within a while from a moment on. */
export interface Activity {
  timestamp: number;
  count: number;
}

interface Click {
  timestamp: number;
  x: number;
  y: number;
}

/** The contract's samples count seconds, browsers milliseconds. */
export function milliseconds(timestamp: number): number {
  return timestamp < 1e11 ? timestamp * 1000 : timestamp;
}

export class Marks {
  readonly marks: Mark[] = [];
  readonly activity: Activity[] = [];
  readonly console: ConsoleLine[] = [];
  readonly errors = new Map<string, PageError>();
  readonly customEvents = new Map<string, CustomEvent>();
  readonly #idle: Span[] = [];
  #lastActivity: number | null = null;
  #clicks: Click[] = [];
  #known = 0;

  /** Begin with what a manifest tells of all events that it covers. */
  addManifest(manifest: Manifest): void {
    this.#known = manifest.events;
    for (const page of manifest.pages) this.#mark('page', page.timestamp, page.href);
    for (const click of manifest.clicks) this.#mark('click', click.timestamp);
    for (const rage of manifest.rageClicks) this.#mark('rageClick', rage.timestamp);
    for (const dead of manifest.deadClicks) this.#mark('deadClick', dead.timestamp);
    const { startTimestamp = 0, intervalMs = 1000, counts = [] } = manifest.activity ?? {};
    counts.forEach((count, index) => {
      if (count) this.activity.push({ timestamp: startTimestamp + index * intervalMs, count });
    });
    this.#idle.push(...manifest.idle);
    this.#lastActivity = manifest.idle.at(-1)?.from ?? manifest.startTimestamp;
    if (manifest.endTimestamp && manifest.idle.at(-1)?.to !== manifest.endTimestamp)
      this.#lastActivity = manifest.endTimestamp;
    this.addLists(
      manifest.customEvents.map((event) => ({ ...event })),
      manifest.errors.map((error) => ({ ...error, message: error.message ?? undefined })),
    );
  }

  addEvents(fresh: { sequence: number; event: RecordedEvent }[]): void {
    for (const { sequence, event } of fresh) {
      if (event.type === 6) this.#addConsoleLine(sequence, event);
      if (sequence < this.#known) continue;
      if (event.type === 4) this.#mark('page', event.timestamp, String(event.data.href ?? ''));
      if (event.type === 3) this.#addIncrement(event);
    }
  }

  /** Add custom events and errors; a whole one takes the place of what a manifest told of it. */
  addLists(customEvents: CustomEvent[], errors: PageError[]): void {
    for (const event of customEvents) {
      const timestamp = milliseconds(event.timestamp);
      const key = `${timestamp} ${event.eventType}`;
      if (!this.customEvents.has(key)) this.#mark('customEvent', timestamp, event.eventType);
      this.customEvents.set(key, { ...event, timestamp });
    }
    for (const error of errors) {
      const timestamp = milliseconds(error.timestamp);
      const key = `${timestamp} ${error.type} ${error.message ?? ''}`;
      if (!this.errors.has(key)) this.#mark('error', timestamp, error.message ?? error.type);
      this.errors.set(key, { ...this.errors.get(key), ...error, timestamp });
    }
  }

  /** Return the spans without user activity, the last of them up to `end`. */
  idle(end: number | null): Span[] {
    const last = this.#lastActivity;
    if (last === null || end === null || end - last < IDLE_MILLISECONDS) return this.#idle;
    return [...this.#idle, { from: last, to: end }];
  }

  #mark(kind: MarkKind, timestamp: number, label = ''): void {
    this.marks.push({ kind, timestamp, label });
  }

  #addIncrement(event: RecordedEvent): void {
    const { source, type, x, y } = event.data;
    if (source < 1 || source > 5) return;
    const { timestamp } = event;
    const last = this.#lastActivity;
    if (last !== null && timestamp - last >= IDLE_MILLISECONDS)
      this.#idle.push({ from: last, to: timestamp });
    this.#lastActivity = Math.max(last ?? 0, timestamp);
    this.#countActivity(timestamp);
    if (source === 2 && type === 2) this.#addClick({ timestamp, x, y });
  }

  #countActivity(timestamp: number): void {
    const second = Math.floor(timestamp / 1000) * 1000;
    const last = this.activity.at(-1);
    if (last?.timestamp === second) last.count += 1;
    else this.activity.push({ timestamp: second, count: 1 });
  }

  #addClick(click: Click): void {
    this.#mark('click', click.timestamp);
    const near = this.#clicks.filter(
      (other) =>
        click.timestamp - other.timestamp <= RAGE_MILLISECONDS &&
        Math.hypot(click.x - other.x, click.y - other.y) <= RAGE_PIXELS,
    );
    this.#clicks = [...near, click];
    if (this.#clicks.length === RAGE_CLICKS) this.#mark('rageClick', click.timestamp);
  }

  #addConsoleLine(sequence: number, event: RecordedEvent): void {
    if (event.data?.plugin !== 'rrweb/console@1') return;
    const { level, payload } = event.data.payload ?? {};
    const text = (Array.isArray(payload) ? payload : [payload]).map(readable).join(' ');
    this.console.push({ sequence, timestamp: event.timestamp, level: String(level), text });
  }
}

/** The recorder writes each argument as JSON. */
function readable(argument: unknown): string {
  if (typeof argument !== 'string') return String(argument);
  try {
    const value: unknown = JSON.parse(argument);
    return typeof value === 'string' ? value : argument;
  } catch {
    return argument;
  }
}
