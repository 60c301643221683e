const EVENTS = 50;
const BYTES = 32_768;
const UNWATCHED = 30_000;
const WATCHED = 500;
const SOON = 50;
/** The server allows a session 100 requests a minute: a few at once, and 80 a minute on end. */
const AT_ONCE = 8;
const PER_REQUEST = 750;

/** Says when the next batch is due. */
export class Pace {
  watched = false;
  private urgent = false;
  private lastAt = 0;
  private left = AT_ONCE;
  private refilledAt = Date.now();

  /** Ask for the next batch at once. */
  hurry(): void {
    this.urgent = true;
  }

  isFull(events: number, bytes: number): boolean {
    return events >= EVENTS || bytes >= BYTES;
  }

  /** Return in how many milliseconds a batch with these contents is due. */
  wait(events: number, bytes: number, since: number): number {
    const now = Date.now();
    return Math.max(this.dueAt(events, bytes, since, now), this.allowedAt(now)) - now;
  }

  /** Note that a batch is made. */
  made(): void {
    this.urgent = false;
    this.lastAt = Date.now();
    this.allowedAt(this.lastAt);
    this.left -= 1;
  }

  private dueAt(events: number, bytes: number, since: number, now: number): number {
    if (this.urgent || this.isFull(events, bytes)) return now;
    // The first thing after a quiet time is shown soon; then a viewer gets two batches a second.
    return this.watched ? Math.max(since + SOON, this.lastAt + WATCHED) : since + UNWATCHED;
  }

  private allowedAt(now: number): number {
    this.left = Math.min(AT_ONCE, this.left + (now - this.refilledAt) / PER_REQUEST);
    this.refilledAt = now;
    return this.left >= 1 ? now : now + (1 - this.left) * PER_REQUEST;
  }
}
