/** The address: `#/?filters` is the list, `#/sessions/ID?t=MS&token=…` a session. */

import { useSyncExternalStore } from 'react';

export type Route =
  | { page: 'list'; query: URLSearchParams }
  | { page: 'session'; sessionId: string; token: string | null; offset: number | null };

const SESSION = /^#\/sessions\/([0-9a-f-]{36})(?:\?(.*))?$/i;

export function routeOf(hash: string): Route {
  const session = SESSION.exec(hash);
  if (!session?.[1]) return { page: 'list', query: new URLSearchParams(hash.split('?')[1] ?? '') };
  const query = new URLSearchParams(session[2] ?? '');
  const offset = query.has('t') ? Number(query.get('t')) : Number.NaN;
  return {
    page: 'session',
    sessionId: session[1].toLowerCase(),
    token: query.get('token'),
    offset: Number.isFinite(offset) && offset >= 0 ? offset : null,
  };
}

export function addressOfList(query: URLSearchParams): string {
  return query.size ? `#/?${query}` : '#/';
}

export function addressOfSession(sessionId: string, query: Record<string, string> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#/sessions/${sessionId}${text ? `?${text}` : ''}`;
}

function subscribe(watcher: () => void): () => void {
  addEventListener('hashchange', watcher);
  return () => removeEventListener('hashchange', watcher);
}

export function useHash(): string {
  return useSyncExternalStore(subscribe, () => location.hash);
}
