/** Asks the API, with a key or with a viewer token. */

import type { Manifest, Range, Session, SessionPage } from './models';

/** What opens the API: a key opens all that it may read, a token one session. */
export type Access = { kind: 'key'; key: string } | { kind: 'token'; token: string };

/** A failure that the API has told, or that kept it from answering (status 0). */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfter = 0,
  ) {
    super(message);
  }
}

const TOKEN_SECONDS = 3600;
const SHARED_SECONDS = 7 * 24 * 3600;

export class ApiClient {
  constructor(readonly access: Access) {}

  listSessions(query: URLSearchParams, signal?: AbortSignal): Promise<SessionPage> {
    return this.#json(`/api/sessions?${query}`, { signal });
  }

  getSession(sessionId: string, signal?: AbortSignal): Promise<Session> {
    return this.#json(`/api/sessions/${sessionId}`, { signal });
  }

  /** Return null when this server makes no manifests. */
  async fetchManifest(sessionId: string, signal?: AbortSignal): Promise<Manifest | null> {
    try {
      return await this.#json<Manifest>(`/api/sessions/${sessionId}/replay/manifest`, { signal });
    } catch (failure) {
      if (failure instanceof ApiFailure && failure.code === 'not_found') return null;
      throw failure;
    }
  }

  /** Read events first..last of a session, or all of it; tell the bytes as they come. */
  async fetchRange(
    sessionId: string,
    range: { first: number; last: number } | null,
    onBytes: (bytes: number) => void,
    signal?: AbortSignal,
  ): Promise<Range> {
    const query = range ? `?afterSequence=${range.first - 1}&toSequence=${range.last}` : '';
    const answer = await this.#fetch(`/api/sessions/${sessionId}/replay${query}`, { signal });
    const counted = answer.body?.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(piece, controller) {
          onBytes(piece.byteLength);
          controller.enqueue(piece);
        },
      }),
    );
    return rangeOf(await new Response(counted).json());
  }

  /** Return a token for a socket's address, where a key should not stand. */
  async socketToken(sessionId: string): Promise<string> {
    if (this.access.kind === 'token') return this.access.token;
    return this.#createToken(sessionId, TOKEN_SECONDS);
  }

  /** Return a token for a link. */
  async shareToken(sessionId: string): Promise<string> {
    if (this.access.kind === 'token') return this.access.token;
    return this.#createToken(sessionId, SHARED_SECONDS);
  }

  async #createToken(sessionId: string, seconds: number): Promise<string> {
    const answer = await this.#json<{ token: string }>(`/api/sessions/${sessionId}/tokens`, {
      method: 'POST',
      body: JSON.stringify({ seconds }),
    });
    return answer.token;
  }

  async #json<T>(path: string, init: RequestInit): Promise<T> {
    return (await this.#fetch(path, init)).json();
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers: Record<string, string> =
      this.access.kind === 'key'
        ? { 'X-API-Key': this.access.key }
        : { Authorization: `Bearer ${this.access.token}` };
    const answer = await fetch(path, { ...init, headers }).catch((error: Error) => {
      if (error.name === 'AbortError') throw error;
      throw new ApiFailure(0, 'unreachable', error.message);
    });
    if (!answer.ok) throw await failureOf(answer);
    return answer;
  }
}

async function failureOf(answer: Response): Promise<ApiFailure> {
  const told = await answer.json().catch(() => ({}));
  const seconds = Number(answer.headers.get('Retry-After')) || 0;
  return new ApiFailure(answer.status, told.code ?? 'unknown', told.error ?? '', seconds);
}

function rangeOf(answer: Partial<Range>): Range {
  return {
    firstSequence: answer.firstSequence ?? 0,
    events: answer.events ?? [],
    customEvents: answer.customEvents ?? [],
    errors: answer.errors ?? [],
  };
}
