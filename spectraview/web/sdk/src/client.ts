import { Activity } from './activity';
import { ErrorCapture } from './errors';
import type { Item } from './item';
import type { Settings } from './options';
import { Recording } from './recording';
import { isOver, newSession, takeSession } from './session';
import { Shipper, type Refusal } from './shipper';
import type { Receipt } from './transport';
import { Watching } from './watching';

/** What recording has cost the page. */
export interface Stats {
  events: number;
  /** Characters of the events' JSON. */
  bytes: number;
  /** Characters of the batches that the server has acknowledged. */
  sentBytes: number;
  batches: number;
  /** The SDK's own time on the page's thread; rrweb's and the compression's are not in it. */
  milliseconds: number;
  /** Characters that are not acknowledged yet. */
  unsent: number;
}

const TICK = 15_000;
const REFUSAL_PAUSE = 60_000;
const HEARTBEAT = 60_000;
/** Refusals after which nothing that this page sends would be taken. */
const HOPELESS = ['unauthorized', 'forbidden', 'app_forbidden', 'origin_forbidden', 'session_app_conflict'];
/** Refusals after which the session takes nothing more. */
const OVER = ['session_expired', 'session_not_found', 'session_deleted'];

/** Records one page into the session of its tab. */
export class Client {
  private readonly shipper: Shipper;
  private readonly recording: Recording;
  private readonly errors = new ErrorCapture((error) => this.shipper.add('errors', JSON.stringify(error)));
  private readonly activity = new Activity(() => this.wake());
  private readonly watching: Watching;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private overfull = false;
  private stopped = false;
  private refusedAt = -Infinity;

  constructor(private readonly settings: Settings) {
    const left = takeSession(settings.app);
    const session = left && !isOver(left.session, Date.now()) ? left.session : newSession(settings.sampling);
    session.userId ??= settings.userId;
    session.ticketId ??= settings.ticketId;
    this.shipper = new Shipper(settings, session, left?.rest ?? [], {
      receipt: (receipt) => this.heed(receipt),
      refused: (item, refusal) => this.refused(item, refusal),
      overfull: (overfull) => this.setOverfull(overfull),
    });
    this.recording = new Recording(
      settings,
      (event, isFullSnapshot) => this.take(event, isFullSnapshot),
      (error) => this.tell('recorder', String(error), 0),
    );
    this.watching = new Watching((id) => this.shipper.transport.socketAddress(id), {
      viewers: (count) => this.setViewers(count),
      snapshotWanted: () => this.showAll(),
    });
  }

  get sessionId(): string | null {
    return this.shipper.session.recorded ? this.shipper.session.id : null;
  }

  start(): void {
    window.addEventListener('pagehide', this.onHide);
    window.addEventListener('pageshow', this.onShow);
    if (!this.shipper.session.recorded) return;
    document.addEventListener('visibilitychange', this.onVisibility);
    window.addEventListener('online', this.onOnline);
    this.activity.start();
    if (this.settings.captureErrors) this.errors.start();
    if (!this.shipper.session.started) this.shipper.begin();
    this.listen();
    this.recording.start();
    this.ticking = setInterval(() => this.tick(), Math.min(TICK, this.settings.idleSeconds * 250));
  }

  async stop(): Promise<void> {
    this.detach();
    if (this.shipper.session.recorded) this.shipper.end();
    await this.shipper.empty();
  }

  track(name: string, data?: unknown): void {
    if (!this.sessionId) return;
    const event = { type: 'custom', eventType: name.slice(0, 50), timestamp: Date.now(), data };
    try {
      this.shipper.add('customEvents', JSON.stringify(event));
    } catch (error) {
      this.tell('custom_event', `${name} cannot be sent: ${error}`, 1);
    }
  }

  identify(userId: string): void {
    const { session } = this.shipper;
    if (session.userId === userId) return;
    const another = session.userId !== undefined;
    if (another && session.recorded) this.changeSession(true);
    this.shipper.session.userId = userId;
    if (session.recorded) this.shipper.begin();
  }

  ticket(ticketId: string): void {
    const { session } = this.shipper;
    if (session.ticketId === ticketId) return;
    if (session.ticketId) return this.tell('ticket', `the session belongs to ${session.ticketId}`, 0);
    session.ticketId = ticketId;
    if (session.recorded) this.shipper.begin();
  }

  captureError(error: unknown): void {
    if (this.sessionId) this.errors.capture(error);
  }

  flush(): void {
    this.shipper.hurry();
  }

  stats(): Stats {
    return { ...this.shipper.cost, unsent: this.shipper.unsent };
  }

  private take(event: object, isFullSnapshot: boolean): void {
    const begun = performance.now();
    try {
      this.shipper.add('events', JSON.stringify(event));
      // Where a player can begin should not wait; in a moment there may be more to send with it.
      if (isFullSnapshot) setTimeout(() => this.shipper.hurry());
    } catch (error) {
      this.tell('recorder', String(error), 1);
    }
    this.shipper.cost.milliseconds += performance.now() - begun;
  }

  private heed(receipt: Receipt): void {
    if (receipt.viewers !== undefined) this.setViewers(receipt.viewers);
    if (receipt.needFullSnapshot) this.showAll();
  }

  private setViewers(count: number): void {
    const watched = count > 0;
    if (watched === this.shipper.pace.watched) return;
    this.shipper.pace.watched = watched;
    if (watched) this.showAll();
  }

  /** Show a new viewer all of the page. */
  private showAll(): void {
    if (this.stopped) return;
    this.wake();
    this.recording.snapshot(); // which is sent at once
    this.shipper.schedule();
  }

  private refused(item: Item, refusal: Refusal): void {
    const current = item.sessionId === this.shipper.session.id && !this.stopped;
    const isOver = OVER.includes(refusal.code);
    const isAgain = Date.now() - this.refusedAt < REFUSAL_PAUSE;
    const isHopeless = HOPELESS.includes(refusal.code) || (current && isAgain);
    let lost = item.events;
    if (isHopeless) this.detach();
    if (isHopeless || isOver) lost += this.shipper.drop(item.sessionId);
    if (item.path !== 'end') this.tell(refusal.code, refusal.message, lost);
    if (!current || isHopeless) return;
    this.refusedAt = Date.now();
    if (isOver) this.changeSession(false);
    else if (item.events) this.restart(); // what follows would build on what was refused
  }

  private restart(): void {
    this.recording.pause();
    this.resume();
  }

  private setOverfull(overfull: boolean): void {
    this.overfull = overfull;
    if (!overfull) return this.resume();
    this.recording.pause();
    this.tell('unsent_limit', 'too much is unsent: recording pauses until the server takes some', 0);
  }

  /** Begin another session; what has happened so far stays the old one's. */
  private changeSession(ended: boolean): void {
    const { settings, shipper } = this;
    const running = this.recording.running;
    this.recording.pause();
    if (ended) shipper.end();
    else shipper.seal();
    shipper.session = { ...newSession(1), userId: shipper.session.userId ?? settings.userId };
    if (!ended) shipper.begin();
    this.listen();
    if (running) this.recording.start();
  }

  private tick(): void {
    const now = Date.now();
    const { session, pace } = this.shipper;
    session.activeAt = this.activity.at;
    if (pace.watched || now - this.activity.at < this.settings.idleSeconds * 1000) {
      if (now - this.shipper.heardAt > HEARTBEAT && this.recording.running) this.beat(now);
      return;
    }
    if (this.recording.running) this.recording.pause();
    this.activity.asleep = true;
    if (isOver(session, now)) this.watching.close();
  }

  private beat(now: number): void {
    this.shipper.heardAt = now;
    void this.shipper.transport.heartbeat(this.shipper.session.id, {});
  }

  private wake(): void {
    if (!this.activity.asleep || this.stopped) return;
    this.activity.asleep = false;
    if (isOver(this.shipper.session, Date.now())) this.changeSession(false);
    this.resume();
  }

  private resume(): void {
    if (!this.overfull && !this.stopped && !this.activity.asleep) this.recording.start();
  }

  private listen(): void {
    if (this.settings.listen && !this.stopped) this.watching.listen(this.shipper.session.id);
  }

  private readonly onHide = (): void => {
    this.shipper.session.activeAt = this.activity.at;
    this.watching.close();
    this.shipper.leave();
  };

  /** Back from the browser's cache: another page may have gone on with the session. */
  private readonly onShow = (event: PageTransitionEvent): void => {
    if (!event.persisted) return;
    const left = takeSession(this.settings.app);
    if (left) this.shipper.session = left.session;
    if (!this.sessionId) return;
    this.listen();
    this.restart();
    this.shipper.online();
  };

  private readonly onVisibility = (): void => {
    if (document.visibilityState === 'hidden') this.shipper.hurry();
  };

  private readonly onOnline = (): void => this.shipper.online();

  private detach(): void {
    this.stopped = true;
    clearInterval(this.ticking);
    this.recording.pause();
    this.errors.stop();
    this.activity.stop();
    this.watching.close();
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.removeEventListener('online', this.onOnline);
  }

  private tell(code: string, message: string, lostEvents: number): void {
    console.warn(`SpectraView: ${message} (${code}${lostEvents ? `, ${lostEvents} events are lost` : ''})`);
    this.settings.onError({ code, message, lostEvents });
  }
}
