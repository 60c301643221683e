import { record } from '@rrweb/record';

import type { Settings } from './options';

type RecordOptions = NonNullable<Parameters<typeof record>[0]>;

/** What the SDK needs to know of an event. */
export interface RrwebEvent {
  type: number;
  timestamp: number;
}

const FULL_SNAPSHOT = 2;
const MASK = '********';
const SECRET =
  'input[type=password], [data-rr-is-password], [autocomplete^="cc-"], [autocomplete="one-time-code"]';
const SNAPSHOT_PAUSE = 5_000;

/** Records the page's DOM with rrweb. */
export class Recording {
  private stop: (() => void) | null = null;
  private snapshotAt = 0;
  private run = 0;

  constructor(
    private readonly settings: Settings,
    private readonly emit: (event: RrwebEvent, isFullSnapshot: boolean) => void,
    private readonly fail: (error: unknown) => void,
  ) {}

  get running(): boolean {
    return this.stop !== null;
  }

  /** Record from now on, beginning with a full snapshot. */
  start(): void {
    if (this.running) return;
    try {
      this.stop = record(this.options()) ?? null;
    } catch (error) {
      this.fail(error);
    }
  }

  /** Take all observers away. */
  pause(): void {
    this.run += 1;
    try {
      this.stop?.();
    } catch (error) {
      this.fail(error);
    }
    this.stop = null;
  }

  /** Take a full snapshot, unless the last one is fresh. */
  snapshot(): void {
    if (!this.running || Date.now() - this.snapshotAt < SNAPSHOT_PAUSE) return;
    try {
      record.takeFullSnapshot();
    } catch (error) {
      this.fail(error);
    }
  }

  private options(): RecordOptions {
    const { settings } = this;
    const { run } = this;
    const secret = `${SECRET}, ${settings.maskSelector}`;
    return {
      // rrweb groups mouse moves, and emits the last group after it was stopped.
      emit: (event) => run === this.run && this.take(event as RrwebEvent),
      checkoutEveryNms: settings.snapshotSeconds * 1000,
      blockSelector: settings.blockSelector,
      maskTextSelector: settings.maskSelector,
      maskAllInputs: true, // asks maskInputFn for each
      maskInputFn: (text, element) =>
        text && (settings.maskAllInputs || element.closest(secret)) ? MASK : text,
      errorHandler: (error) => {
        this.fail(error);
        return true;
      },
    } as RecordOptions;
  }

  private take(event: RrwebEvent): void {
    const isFullSnapshot = event.type === FULL_SNAPSHOT;
    if (isFullSnapshot) this.snapshotAt = Date.now();
    this.emit(event, isFullSnapshot);
  }
}
