/** One player for replay and live: where it stands, and what has to be there to go on. */

import type { Keyframe } from '../api/models';
import { drawnFrom } from '../session/keyframes';
import type { SessionSource } from '../session/source';
import { Observable } from '../ui/observable';
import { Screen, type Size } from './screen';

export interface PlayerState {
  /** `empty`: there is no keyframe to begin from. */
  status: 'loading' | 'empty' | 'playing' | 'paused' | 'ended' | 'failed';
  time: number;
  speed: number;
  /** Whether it shows a live session as it happens. */
  isFollowing: boolean;
  skipsInactivity: boolean;
  size: Size | null;
}

export const SPEEDS = [0.5, 1, 2, 4, 8];
/** Mouse moves come in groups of half a second; without this the pointer would jump. */
const LIVE_DELAY = 700;
const TOLERANCE = 1500;
const NOTIFY_MILLISECONDS = 100;
const IDLE_LEFT = 1000;

export class Player extends Observable<PlayerState> {
  readonly #screen: Screen;
  #run: { first: number; next: number } | null = null;
  #turn = 0;
  #wantsToPlay = true;
  #frame = 0;
  #notified = 0;
  #stuckAt = -1;

  constructor(
    root: HTMLElement,
    private readonly source: SessionSource,
  ) {
    super({
      status: 'loading',
      time: 0,
      speed: 1,
      isFollowing: false,
      skipsInactivity: true,
      size: null,
    });
    this.#screen = new Screen(root, (size) => this.set({ size }));
    source.onEvents = () => this.#takeEvents();
    this.#frame = requestAnimationFrame(this.#tick);
  }

  stop(): void {
    this.#turn++;
    cancelAnimationFrame(this.#frame);
    this.source.onEvents = () => undefined;
    this.#screen.destroy();
  }

  /** Begin so many milliseconds after the start; else live, or at the start. */
  begin(offset: number | null): Promise<void> {
    const { start, isLive } = this.source.state;
    if (isLive && offset === null) return this.goLive();
    return this.seek((start ?? 0) + (offset ?? 0));
  }

  toggle(): void {
    if (this.state.status === 'playing' || (this.state.status === 'loading' && this.#wantsToPlay))
      this.pause();
    else this.play();
  }

  play(): void {
    this.#wantsToPlay = true;
    if (this.state.status === 'ended') void this.seek(this.source.state.start ?? 0);
    else if (this.#run) this.#resume(this.state.time);
  }

  pause(): void {
    this.#wantsToPlay = false;
    this.#screen.pause();
    this.set({ isFollowing: false, status: this.#run ? 'paused' : this.state.status });
  }

  /** Show another moment; what is not here is fetched first. */
  async seek(timestamp: number): Promise<void> {
    const { start, end } = this.source.state;
    const time = Math.min(Math.max(timestamp, start ?? 0), end ?? timestamp);
    const turn = ++this.#turn;
    this.#screen.pause();
    this.set({ time, isFollowing: false, status: 'loading' });
    await this.#show(time, turn);
  }

  seekBy(milliseconds: number): void {
    void this.seek(this.state.time + milliseconds);
  }

  /** Show a live session as it happens. */
  async goLive(): Promise<void> {
    if (!this.source.state.isLive) return this.seek(this.source.state.end ?? 0);
    const turn = ++this.#turn;
    this.#wantsToPlay = true;
    this.setSpeed(1);
    this.set({ isFollowing: true, status: 'loading' });
    await this.#show(this.source.edge() - LIVE_DELAY, turn);
  }

  setSpeed(speed: number): void {
    this.#screen.setSpeed(speed);
    this.set({ speed, isFollowing: this.state.isFollowing && speed === 1 });
  }

  setSkipsInactivity(skipsInactivity: boolean): void {
    this.set({ skipsInactivity });
  }

  async #show(time: number, turn: number): Promise<void> {
    const isWanted = () => turn === this.#turn;
    try {
      const keyframe = await this.source.load(time, isWanted);
      if (!isWanted()) return;
      if (keyframe) this.#draw(keyframe, time);
      else this.set({ status: 'empty' });
    } catch (failure) {
      console.warn('The recording could not be read', failure);
      if (isWanted()) this.set({ status: 'failed' });
    }
  }

  #draw(keyframe: Keyframe, time: number): void {
    const { store } = this.source;
    this.#feed();
    const run = this.#run;
    if (!run || keyframe.sequence < run.first || keyframe.sequence >= run.next) {
      const events = store.from(keyframe.sequence);
      if (!events.length) throw new Error(`Event ${keyframe.sequence} has not come`);
      this.#run = { first: keyframe.sequence, next: keyframe.sequence + events.length };
      this.#screen.show(events);
    }
    this.#resume(Math.max(time, drawnFrom(store, keyframe)));
  }

  #resume(time: number): void {
    if (this.#wantsToPlay) this.#screen.play(time);
    else this.#screen.pause(time);
    this.set({ time, status: this.#wantsToPlay ? 'playing' : 'paused' });
  }

  #takeEvents(): void {
    if (!this.#run) {
      if (this.source.state.phase === 'ready' || this.state.isFollowing) this.#retry();
      return;
    }
    this.#feed();
    const isBehindGap = this.source.head > this.#run.next;
    if (this.state.isFollowing && isBehindGap) void this.goLive();
  }

  /** Try again what had no keyframe yet. */
  #retry(): void {
    if (this.state.status !== 'loading' && this.state.status !== 'empty') return;
    if (this.state.isFollowing) void this.goLive();
    else void this.seek(this.state.time);
  }

  /** Give the screen what has come behind its events. */
  #feed(): void {
    const run = this.#run;
    if (!run) return;
    const events = this.source.store.from(run.next);
    if (!events.length) return;
    run.next += events.length;
    if (this.#screen.feed(events)) return;
    const all = this.source.store.from(run.first);
    run.next = run.first + all.length;
    this.#screen.show(all);
    this.#resume(this.state.time);
  }

  #tick = (): void => {
    this.#frame = requestAnimationFrame(this.#tick);
    if (this.state.status !== 'playing') return;
    const time = this.#screen.time;
    if (this.state.isFollowing) this.#follow(time);
    else this.#goOn(time);
    this.#notify(time);
  };

  #follow(time: number): void {
    if (!this.source.state.isLive) {
      this.set({ isFollowing: false });
      return;
    }
    const target = this.source.edge() - LIVE_DELAY;
    if (Math.abs(target - time) > TOLERANCE) this.#screen.play(target);
  }

  #goOn(time: number): void {
    const { isLive, end } = this.source.state;
    if (isLive && time >= this.source.edge() - LIVE_DELAY) void this.goLive();
    else if (this.#isAtEndOfRun(time)) {
      const next = this.#run?.next ?? 0;
      if (this.source.head > next && this.#stuckAt !== next) {
        this.#stuckAt = next;
        void this.seek(time);
      } else if (!isLive) this.#end(end ?? time);
    } else if (this.state.skipsInactivity) this.#skip(time);
  }

  #isAtEndOfRun(time: number): boolean {
    const last = this.source.store.at((this.#run?.next ?? 0) - 1);
    return last !== undefined && time > last.timestamp;
  }

  #end(time: number): void {
    this.#screen.pause();
    this.#wantsToPlay = true;
    this.set({ status: 'ended', time });
  }

  #skip(time: number): void {
    const gap = this.source.marks
      .idle(null)
      .find(({ from, to }) => time > from + IDLE_LEFT && time < to - 2 * IDLE_LEFT);
    if (gap) void this.seek(gap.to - IDLE_LEFT);
  }

  #notify(time: number): void {
    const now = performance.now();
    if (now - this.#notified < NOTIFY_MILLISECONDS) return;
    this.#notified = now;
    this.set({ time });
    this.source.loadAhead(time);
  }
}
