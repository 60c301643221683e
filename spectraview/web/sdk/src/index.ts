/** The SDK as pages use it: one recording a page. */
import { Client, type Stats } from './client';
import { settingsOf, type Options } from './options';

export type { Options, Problem } from './options';
export type { Stats } from './client';

let client: Client | null = null;

/** Begin to record this page. */
export function init(options: Options): void {
  if (client) return console.warn('SpectraView: init was called twice');
  client = new Client(settingsOf(options));
  client.start();
}

/** Note something that happened, such as `track('checkout', { value: 99 })`. */
export function track(name: string, data?: unknown): void {
  client?.track(name, data);
}

/** Say who the user is; another user than before begins a new session. */
export function identify(userId: string): void {
  client?.identify(userId);
}

/** Say which support ticket the session belongs to. */
export function ticket(ticketId: string): void {
  client?.ticket(ticketId);
}

/** Note an error that the page has caught itself. */
export function captureError(error: unknown): void {
  client?.captureError(error);
}

/** Send what has happened so far without waiting. */
export function flush(): void {
  client?.flush();
}

/** Stop recording and end the session; the promise is done when all has been sent. */
export async function stop(): Promise<void> {
  const stopped = client;
  client = null;
  await stopped?.stop();
}

/** Return the id of the session, null when nothing is recorded. */
export function sessionId(): string | null {
  return client?.sessionId ?? null;
}

/** Return what recording this page has cost so far, null when nothing is recorded. */
export function stats(): Stats | null {
  return client?.stats() ?? null;
}
