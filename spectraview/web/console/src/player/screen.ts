/** Draws events with rrweb's Replayer, in a frame that runs nothing. */

import { Replayer } from 'rrweb';
import 'rrweb/dist/style.css';
import type { RecordedEvent } from '../api/models';

export interface Size {
  width: number;
  height: number;
}

type ReplayerEvents = ConstructorParameters<typeof Replayer>[0];
type Cache = { cache: unknown };

const SILENT = { log: () => undefined, warn: () => undefined };

export class Screen {
  #replayer: Replayer | null = null;
  #start = 0;
  #speed = 1;
  #isPlaying = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly onSize: (size: Size) => void,
  ) {}

  /** Begin anew with events from a keyframe on. */
  show(events: RecordedEvent[]): void {
    const before = this.#replayer as unknown as Cache | null;
    this.destroy();
    this.#start = events.reduce((least, event) => Math.min(least, event.timestamp), Infinity);
    this.#replayer = new Replayer(events as unknown as ReplayerEvents, {
      root: this.root,
      // Not rrweb's live state, which cannot be paused or rewound: with this, playing goes on
      // beyond the last event, and what is added later is drawn when its time has come.
      liveMode: true,
      speed: this.#speed,
      mouseTail: { duration: 400, lineWidth: 2, strokeStyle: '#6366f1' },
      triggerFocus: false,
      showWarning: false,
      logger: SILENT as unknown as Console,
    });
    // The style sheets of one app repeat, and rewriting them for :hover is what costs most.
    if (before) (this.#replayer as unknown as Cache).cache = before.cache;
    this.#protect(this.#replayer);
    this.#replayer.on('resize', (size) => this.onSize(size as Size));
  }

  /** Add events that follow; return false if one is older than where playing began: the Replayer
   * would apply it to a page that is not shown.
   */
  feed(events: RecordedEvent[]): boolean {
    const replayer = this.#replayer;
    if (!replayer) return true;
    const began = this.#start + replayer.getTimeOffset();
    if (events.some((event) => event.timestamp < began)) return false;
    for (const event of events) replayer.addEvent(event as unknown as ReplayerEvents[number]);
    return true;
  }

  play(timestamp: number): void {
    this.#isPlaying = true;
    this.#guard(() => this.#replayer?.play(timestamp - this.#start));
  }

  /** Stop where it is, or at another moment. */
  pause(timestamp?: number): void {
    this.#isPlaying = false;
    this.#guard(() => {
      this.#replayer?.pause(timestamp === undefined ? undefined : timestamp - this.#start);
    });
  }

  setSpeed(speed: number): void {
    this.#speed = speed;
    this.#replayer?.setConfig({ speed });
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** Return the moment that is shown. */
  get time(): number {
    return this.#start + (this.#replayer?.getCurrentTime() ?? 0);
  }

  destroy(): void {
    this.#replayer?.destroy();
    this.#replayer = null;
    this.root.replaceChildren();
  }

  /** Let one damaged event cost only itself: rrweb's timer would stop for ever. */
  #protect(replayer: Replayer): void {
    const { timer } = replayer;
    const addAction = timer.addAction.bind(timer);
    timer.addAction = (action) =>
      addAction({ ...action, doAction: () => this.#guard(action.doAction) });
    const { iframe } = replayer;
    iframe.title = 'Recorded page';
    iframe.tabIndex = -1;
    // Recorded focus must not take the keyboard away from the console.
    iframe.inert = true;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      console.warn('A recorded event could not be drawn', error);
    }
  }
}
