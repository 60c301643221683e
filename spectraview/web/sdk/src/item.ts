import { deflated } from './deflate';

/** One request that has to arrive, after those before it: a start, a batch, an end. */
export interface Item {
  sessionId: string;
  /** Its place in the session. */
  number: number;
  path: 'start' | 'events' | 'end';
  /** What is sent; once it is settled it never changes, since the server knows a batch by its bytes. */
  body: string | null;
  events: number;
  /** When it was made. */
  at: number;
  /** What the body will be made of. */
  contents?: Contents;
}

/** What a batch holds: the JSON of each thing, as it was when it happened. */
export interface Contents {
  head: string;
  events: string[];
  customEvents: string[];
  errors: string[];
  bytes: number;
}

const DEFLATE_FROM = 300;

/** Settle an item's body, its events deflated where the browser can. */
export async function settle(item: Item): Promise<string> {
  const contents = item.contents;
  if (item.body === null && contents) {
    const json = `[${contents.events.join()}]`;
    const data = json.length < DEFLATE_FROM ? null : await deflated(json);
    // The page may have gone meanwhile and settled the body without waiting.
    item.body ??= bodyOf(contents, data === null ? json : `{"compressed":true,"data":"${data}"}`);
  }
  delete item.contents;
  return item.body!;
}

/** Settle an item's body at once, without compression. */
export function settleNow(item: Item): string {
  if (item.body === null && item.contents) {
    item.body = bodyOf(item.contents, `[${item.contents.events.join()}]`);
  }
  return item.body!;
}

function bodyOf(contents: Contents, events: string): string {
  let body = `{${contents.head},"events":${events}`;
  if (contents.customEvents.length) body += `,"customEvents":[${contents.customEvents.join()}]`;
  if (contents.errors.length) body += `,"errors":[${contents.errors.join()}]`;
  return `${body}}`;
}
