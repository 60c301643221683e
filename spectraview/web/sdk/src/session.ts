import type { Item } from './item';

/** One visit, as far as this tab knows it. */
export interface Session {
  id: string;
  /** The number of the next item to be sent. */
  next: number;
  /** Whether its start is on the way: later pages of the tab need not start it again. */
  started: boolean;
  recorded: boolean;
  startedAt: number;
  activeAt: number;
  userId?: string;
  ticketId?: string;
}

const LONGEST_PAUSE = 30 * 60_000;
const LONGEST_SESSION = 24 * 3_600_000;
const MOST_KEPT = 2_000_000;

export function newSession(sampling: number): Session {
  const now = Date.now();
  const recorded = Math.random() < sampling;
  return { id: uuid(), next: 0, started: false, recorded, startedAt: now, activeAt: now };
}

/** Tell whether a session is over: after a long pause the next sign of the user is a new visit. */
export function isOver(session: Session, now: number): boolean {
  return now - session.activeAt > LONGEST_PAUSE || now - session.startedAt > LONGEST_SESSION;
}

/**
 * Take the session that the tab's last page has left, with what that page had not sent.
 *
 * It is taken out of the tab's storage, and put back by `leaveSession` when the page goes: a tab that
 * is duplicated meanwhile, or a window that the page opens, finds nothing and begins a session of its own.
 */
export function takeSession(app: string): { session: Session; rest: Item[] } | null {
  try {
    const text = sessionStorage.getItem(nameOf(app));
    sessionStorage.removeItem(nameOf(app));
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** Leave the session to the tab's next page; what is too large for that is left out. */
export function leaveSession(app: string, session: Session, unsent: Item[]): void {
  const rest: Item[] = [];
  let size = 0;
  for (const item of unsent) {
    size += item.body?.length ?? Infinity;
    if (size > MOST_KEPT) break;
    rest.push(item);
  }
  try {
    sessionStorage.setItem(nameOf(app), JSON.stringify({ session, rest }));
  } catch {
    try {
      sessionStorage.setItem(nameOf(app), JSON.stringify({ session, rest: [] }));
    } catch {
      // No storage: the next page begins a session of its own.
    }
  }
}

/** Return a random UUID, on pages without TLS too, where `crypto.randomUUID` is missing. */
export function uuid(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function nameOf(app: string): string {
  return `spectraview:${app}`;
}
