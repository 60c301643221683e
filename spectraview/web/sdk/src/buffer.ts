import type { Contents } from './item';

/** What has happened since the last batch. */
export class Buffer {
  events: string[] = [];
  customEvents: string[] = [];
  errors: string[] = [];
  bytes = 0;
  /** When the first of it happened. */
  since = 0;

  get count(): number {
    return this.events.length + this.customEvents.length + this.errors.length;
  }

  add(kind: 'events' | 'customEvents' | 'errors', json: string): void {
    if (!this.count) this.since = Date.now();
    this[kind].push(json);
    this.bytes += json.length;
  }

  /** Empty the buffer into one batch. */
  take(head: string): Contents {
    const { events, customEvents, errors, bytes } = this;
    this.events = [];
    this.customEvents = [];
    this.errors = [];
    this.bytes = 0;
    return { head, events, customEvents, errors, bytes };
  }

  /** Empty the buffer into batches of about so many characters; a larger event has one of its own. */
  takeSmall(head: () => string, most: number): Contents[] {
    const { events, customEvents, errors } = this.take('');
    const batches: Contents[] = [];
    const room = (size: number): Contents => {
      const last = batches[batches.length - 1];
      if (last && last.bytes + size <= most) return last;
      const next = { head: head(), events: [], customEvents: [], errors: [], bytes: 0 };
      batches.push(next);
      return next;
    };
    const put = (kind: 'events' | 'customEvents' | 'errors', things: string[]): void => {
      for (const json of things) {
        const batch = room(json.length);
        batch[kind].push(json);
        batch.bytes += json.length + 1;
      }
    };
    put('events', events);
    put('customEvents', customEvents);
    put('errors', errors);
    return batches;
  }
}
