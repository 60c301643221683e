/** Keeps the key: for this tab, or on request for this browser. */

import { ApiClient, ApiFailure } from '../api/client';

const NAME = 'spectraview.key';

export function rememberedKey(): string | null {
  return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);
}

export function keepKey(key: string, remember: boolean): void {
  sessionStorage.setItem(NAME, key);
  if (remember) localStorage.setItem(NAME, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}

export type KeyVerdict = 'good' | 'unknown' | 'writeOnly' | 'origin' | 'busy' | 'unreachable';

/** Say whether a key may read sessions. */
export async function tryKey(key: string): Promise<KeyVerdict> {
  try {
    const client = new ApiClient({ kind: 'key', key });
    await client.listSessions(new URLSearchParams({ limit: '1' }));
    return 'good';
  } catch (failure) {
    if (!(failure instanceof ApiFailure)) throw failure;
    if (failure.status === 401) return 'unknown';
    if (failure.status === 403) return failure.code === 'origin_forbidden' ? 'origin' : 'writeOnly';
    return failure.status === 429 ? 'busy' : 'unreachable';
  }
}
