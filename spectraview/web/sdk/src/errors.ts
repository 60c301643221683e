const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 10_000;
const MOST_A_MINUTE = 60;

/** One error as the server keeps it. */
export interface CapturedError {
  type: string;
  message: string;
  stack?: string;
  source?: string;
  timestamp: number;
}

/** Captures the page's errors and unhandled rejections; of the same in a row, few. */
export class ErrorCapture {
  private minute = 0;
  private inMinute = 0;

  constructor(private readonly emit: (error: CapturedError) => void) {}

  private readonly onError = (event: ErrorEvent): void => {
    if (!event.error && !event.message) return; // an image or a script that was not loaded
    const place = event.filename ? `${event.filename}:${event.lineno}:${event.colno}` : undefined;
    this.capture(event.error ?? event.message, place);
  };

  private readonly onRejection = (event: PromiseRejectionEvent): void => {
    this.capture(event.reason, undefined, 'UnhandledRejection');
  };

  start(): void {
    window.addEventListener('error', this.onError);
    window.addEventListener('unhandledrejection', this.onRejection);
  }

  stop(): void {
    window.removeEventListener('error', this.onError);
    window.removeEventListener('unhandledrejection', this.onRejection);
  }

  /** Note anything that was thrown. */
  capture(thrown: unknown, source?: string, otherwise = 'Error'): void {
    const timestamp = Date.now();
    if (this.isTooMany(timestamp)) return;
    const { name, message, stack } = partsOf(thrown);
    this.emit({
      type: (name || otherwise).slice(0, 50),
      message: message.slice(0, LONGEST_MESSAGE),
      ...(stack && { stack: stack.slice(0, LONGEST_STACK) }),
      ...(source && { source }),
      timestamp,
    });
  }

  /** An error in a loop must not become the recording. */
  private isTooMany(now: number): boolean {
    const minute = Math.floor(now / 60_000);
    if (minute !== this.minute) this.inMinute = 0;
    this.minute = minute;
    return ++this.inMinute > MOST_A_MINUTE;
  }
}

function partsOf(thrown: unknown): { name: string; message: string; stack?: string } {
  const error = thrown as Partial<Error> | null | undefined;
  try {
    if (error && typeof error === 'object' && 'message' in error) {
      const stack = error.stack === undefined ? undefined : String(error.stack);
      return { name: String(error.name ?? ''), message: String(error.message), stack };
    }
    const message = typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown);
    return { name: '', message: message ?? String(thrown) };
  } catch {
    return { name: '', message: 'an error that cannot be shown' };
  }
}
